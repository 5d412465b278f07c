/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* check and cat: the files as they lie on the disk, without the daemon. */
#include "config_load.h"
#include "ctl.h"

#include <errno.h>
#include <string.h>

static int load(const char *const *files, struct diags *diags)
{
	const char *const *directories = config_directories();
	struct registry registry = {0};
	struct error err = {0};
	int r;

	r = registry_load(&registry, directories, diags, &err);
	if (r >= 0)
		r = files_load(&registry, directories, files, diags);
	registry_free(&registry);
	if (r >= 0)
		return 0;
	ctl_error("cannot check the files: %s", err.text[0] ? err.text : strerror(-r));
	return CTL_FAILED;
}

int verb_check(struct ctl *c, char **args, int n)
{
	struct diags diags = {0};
	int r;

	/* args ends with NULL, as argv does */
	r = load(n > 0 ? (const char *const *)args : NULL, &diags);
	if (!r && c->json != JSON_MODE_OFF)
		r = output_json(c, diags_to_json(&diags));
	else
		diags_print(stderr, &diags);
	if (!r && diags.errors > 0)
		r = CTL_FAILED;
	diags_free(&diags);
	return r;
}

static int cat_file(const struct ctl *c, const char *path, bool first)
{
	_cleanup_free_ char *text = NULL;
	struct error err = {0};
	size_t length = 0;

	if (ctl_read_file(path, &text, &length, &err) < 0) {
		ctl_error("%s", err.text);
		return CTL_FAILED;
	}
	printf("%s%s# %s%s\n", first ? "" : "\n", color_on(c, COLOR_BOLD), path, color_off(c));
	if (c->terminal) {
		_cleanup_free_ char *safe = text_safe(text, true);

		(void)fputs(safe ? safe : "?", stdout);
	} else {
		(void)fwrite(text, 1, length, stdout);
	}
	if (length > 0 && text[length - 1] != '\n')
		putchar('\n');
	return CTL_DONE;
}

int verb_cat(struct ctl *c, char **args, int n)
{
	bool first = true;
	int result = CTL_DONE;

	for (int i = 0; i < n; i++) {
		_cleanup_(strv_freep) char **files = NULL;
		struct object_name object;
		struct error err = {0};

		if (!object_parse(args[i], &object) ||
		    files_of_object(config_directories(), &object, &files, &err) < 0) {
			ctl_error("cannot print '%s': %s", args[i],
				  err.text[0]	     ? err.text
				  : object.container ? "that is no name a container can have"
						     : "that is no name a namespace can have");
			result = CTL_FAILED;
			continue;
		}
		pager_open(c);
		for (size_t k = 0; k < strv_length(files); k++) {
			if (cat_file(c, files[k], first))
				result = CTL_FAILED;
			first = false;
		}
	}
	return result;
}
