/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any text as the value of a key of every type: the first byte chooses the row. A value that is
 * taken must print as text that reads back as the same value; one that is refused must be refused
 * with a sentence. */
#include "../unit/lib_key.h"
#include "error.h"
#include "require.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void check_value(const struct conf_key *key, const struct sample *a)
{
	struct sample b = {0};
	struct strbuf text = {0};

	key_print(key, a, &text);
	strbuf_puts(&text, "");
	REQUIRE(text_is_clean(text.data, text.length));
	REQUIRE(key_parse(key, &b, text.data, NULL) == (text.length > 0 ? 0 : 1));
	REQUIRE(key_equal(key, a, &b));
	strbuf_free(&text);
	key_table_free(sample_keys, &b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct conf_key *key = size > 0 ? &sample_keys[data[0] % (KEY_END - 1)] : NULL;
	struct sample s = {0};
	struct error err = {0};
	char *value;
	int r;

	if (!key)
		return 0;
	value = strndup((const char *)data + 1, size - 1);
	REQUIRE(value);
	r = key_parse(key, &s, value, &err);
	REQUIRE(r == 0 || r == -EINVAL || (r == 1 && !value[0]));
	REQUIRE((r == -EINVAL) == (err.text[0] != '\0'));
	if (r == 0)
		check_value(key, &s);
	key_table_free(sample_keys, &s);
	free(value);
	return 0;
}
