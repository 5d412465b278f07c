/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DevicePolicy= and DeviceAllow= of a cgroup: a BPF program that the kernel asks at each mknod() and open()
 * of a device node. It is a list of rules, put together here instruction by instruction, as systemd does it
 * for a unit; what no rule allows is refused. It lives as long as its cgroup. Others may be attached below (a
 * systemd inside does so): then all must agree.
 */
#include "cgroup_internal.h"
#include "cleanup.h"
#include "parse.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#define RULES_MAX   512 /* after "char-*" and the like were looked up */
#define RULE_SIZE   8	/* instructions of one, at most */
#define PROGRAM_MAX (RULES_MAX * RULE_SIZE + 16)
#define ANY	    (-1)

struct rule {
	int type; /* BPF_DEVCG_DEV_* */
	int access;
	long major, minor; /* ANY */
};

struct rules {
	struct rule rules[RULES_MAX];
	size_t n;
	struct error *err; /* of the first that names nothing which is there */
	int missing;
};

#define RWM (BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD)
#define RW  (BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)

/* systemd's list for "closed". 0:0 are the nodes that cover what is to be inaccessible. */
static const struct rule closed_rules[] = {
	{BPF_DEVCG_DEV_CHAR, RWM, 1, 3}, /* null */
	{BPF_DEVCG_DEV_CHAR, RWM, 1, 5}, /* zero */
	{BPF_DEVCG_DEV_CHAR, RWM, 1, 7}, /* full */
	{BPF_DEVCG_DEV_CHAR, RWM, 1, 8}, /* random */
	{BPF_DEVCG_DEV_CHAR, RWM, 1, 9}, /* urandom */
	{BPF_DEVCG_DEV_CHAR, RWM, 5, 0}, /* tty */
	{BPF_DEVCG_DEV_CHAR, RWM, 5, 2}, /* ptmx */
	{BPF_DEVCG_DEV_CHAR, RWM, 0, 0}, {BPF_DEVCG_DEV_BLOCK, RWM, 0, 0},
};

/* --- words to rules ------------------------------------------------------------------------- */

/* One request may ask for several kinds of access at once, so "r" and "w" of one device are one rule. */
static int add_rule(struct rules *r, const struct rule *rule)
{
	for (size_t i = 0; i < r->n; i++) {
		struct rule *old = &r->rules[i];

		if (old->type == rule->type && old->major == rule->major && old->minor == rule->minor) {
			old->access |= rule->access;
			return 0;
		}
	}
	if (r->n == RULES_MAX)
		return error_set(r->err, -E2BIG,
				 "more than %d kinds of devices are allowed: use a pattern such as char-*",
				 RULES_MAX);
	r->rules[r->n++] = *rule;
	return 0;
}

static int parse_access(const char *text, int *ret)
{
	static const char letters[] = "rwm";
	static const int bits[] = {BPF_DEVCG_ACC_READ, BPF_DEVCG_ACC_WRITE, BPF_DEVCG_ACC_MKNOD};
	int access = 0;

	for (const char *p = text; *p; p++) {
		const char *at = strchr(letters, *p);

		if (!at)
			return -EINVAL;
		access |= bits[at - letters];
	}
	*ret = access ? access : RWM;
	return 0;
}

/* " 13 input" */
static bool parse_device_line(char *line, long *ret_major, const char **ret_name)
{
	char *name;

	*ret_major = strtol(line, &name, 10);
	if (name == line || *name != ' ')
		return false;
	name += strspn(name, " ");
	name[strcspn(name, "\n")] = '\0';
	*ret_name = name;
	return *name && *ret_major >= 0;
}

/* /proc/devices: majors and names, characters first, then blocks. */
static int add_group(struct rules *r, int type, int access, const char *pattern, bool *found)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/devices", "re");
	int now = 0, e = 0;
	const char *name;
	char line[256];
	long major;

	if (!f)
		return error_set(r->err, -errno, "cannot read /proc/devices: %m");
	while (e == 0 && fgets(line, sizeof(line), f)) {
		if (str_starts_with(line, "Character")) {
			now = BPF_DEVCG_DEV_CHAR;
		} else if (str_starts_with(line, "Block")) {
			now = BPF_DEVCG_DEV_BLOCK;
		} else if (now == type && parse_device_line(line, &major, &name) &&
			   fnmatch(pattern, name, 0) == 0) {
			*found = true;
			e = add_rule(r, &(struct rule){type, access, major, ANY});
		}
	}
	return e;
}

static void note_missing(struct rules *r, const char *word, const char *what)
{
	if (r->missing++ == 0)
		(void)error_set(r->err, -ENODEV, "DeviceAllow=%s allows nothing: %s", word, what);
}

/* "char-PATTERN", "block-PATTERN", "char-5": a whole kind of devices. */
static int add_class(struct rules *r, const char *word, int access)
{
	int type = *word == 'c' ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK, e;
	const char *pattern = strchr(word, '-') + 1;
	bool found = false;
	uint64_t major;

	if (str_equal(pattern, "*"))
		return add_rule(r, &(struct rule){type, access, ANY, ANY});
	if (parse_u64(pattern, &major) == 0 && major <= UINT32_MAX)
		return add_rule(r, &(struct rule){type, access, (long)major, ANY});
	e = add_group(r, type, access, pattern, &found);
	if (e == 0 && !found)
		note_missing(r, word, "no driver of that name is in /proc/devices; is its module loaded?");
	return e;
}

static int add_node(struct rules *r, const char *word, int access)
{
	struct stat st;

	if (stat(word, &st) < 0) {
		note_missing(r, word, strerror(errno));
		return 0;
	}
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)) {
		note_missing(r, word, "it is not a device node");
		return 0;
	}
	return add_rule(r, &(struct rule){S_ISCHR(st.st_mode) ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK,
					  access, major(st.st_rdev), minor(st.st_rdev)});
}

/* "/dev/net/tun rwm", "char-pts rw", "block-*"; without letters all access. */
static int add_word(struct rules *r, const char *text)
{
	_cleanup_(strv_freep) char **words = NULL;
	int access, e;

	e = parse_words(text, &words);
	if (e == -ENOMEM)
		return error_set(r->err, e, "cannot read DeviceAllow=: out of memory");
	if (e < 0 || strv_length(words) < 1 || strv_length(words) > 2 ||
	    parse_access(words[1] ? words[1] : "", &access) < 0)
		return error_set(r->err, -EINVAL,
				 "DeviceAllow=%s is not a device, or char-NAME or block-NAME, and letters of "
				 "rwm",
				 text);
	if (str_starts_with(words[0], "char-") || str_starts_with(words[0], "block-"))
		return add_class(r, words[0], access);
	if (str_starts_with(words[0], "/dev/"))
		return add_node(r, words[0], access);
	return error_set(r->err, -EINVAL,
			 "DeviceAllow=%s: expected a path below /dev/, char-NAME or block-NAME", text);
}

static int add_closed(struct rules *r)
{
	bool found = false;
	int e = 0;

	for (size_t i = 0; e == 0 && i < sizeof(closed_rules) / sizeof(*closed_rules); i++)
		e = add_rule(r, &closed_rules[i]);
	return e < 0 ? e : add_group(r, BPF_DEVCG_DEV_CHAR, RW, "pts", &found);
}

/* --- rules to a program --------------------------------------------------------------------- */

struct program {
	struct bpf_insn code[PROGRAM_MAX];
	size_t n;
};

static void emit(struct program *p, int code, int dst, int src, int off, int imm)
{
	p->code[p->n++] = (struct bpf_insn){.code = (__u8)code,
					    .dst_reg = (__u8)dst & 15,
					    .src_reg = (__u8)src & 15,
					    .off = (__s16)off,
					    .imm = imm};
}

/* Type, access asked for, major, minor. */
enum {
	REG_TYPE = BPF_REG_2,
	REG_ACCESS = BPF_REG_3,
	REG_MAJOR = BPF_REG_4,
	REG_MINOR = BPF_REG_5,
	REG_WORK = BPF_REG_1 /* once all is loaded */
};

static void emit_load(struct program *p)
{
	static const int load = BPF_LDX | BPF_MEM | BPF_W;

	emit(p, load, REG_TYPE, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	emit(p, BPF_ALU | BPF_AND | BPF_K, REG_TYPE, 0, 0, 0xffff);
	emit(p, load, REG_ACCESS, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	emit(p, BPF_ALU | BPF_RSH | BPF_K, REG_ACCESS, 0, 0, 16);
	emit(p, load, REG_MAJOR, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	emit(p, load, REG_MINOR, BPF_REG_1, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
}

/* Each test that fails jumps behind the rule. */
static void emit_rule(struct program *p, const struct rule *r)
{
	size_t length = 3u + (r->access != RWM ? 3u : 0u) + (r->major != ANY) + (r->minor != ANY);
	size_t end = p->n + length;

#define TO_END ((int)(end - p->n - 1))
	if (r->access != RWM) { /* what it asks for beyond what is allowed */
		emit(p, BPF_ALU64 | BPF_MOV | BPF_X, REG_WORK, REG_ACCESS, 0, 0);
		emit(p, BPF_ALU | BPF_AND | BPF_K, REG_WORK, 0, 0, ~r->access & RWM);
		emit(p, BPF_JMP | BPF_JNE | BPF_K, REG_WORK, 0, TO_END, 0);
	}
	emit(p, BPF_JMP | BPF_JNE | BPF_K, REG_TYPE, 0, TO_END, r->type);
	if (r->major != ANY)
		emit(p, BPF_JMP | BPF_JNE | BPF_K, REG_MAJOR, 0, TO_END, (int)r->major);
	if (r->minor != ANY)
		emit(p, BPF_JMP | BPF_JNE | BPF_K, REG_MINOR, 0, TO_END, (int)r->minor);
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
#undef TO_END
}

static void program_make(struct program *p, const struct rules *r)
{
	p->n = 0;
	emit_load(p);
	for (size_t i = 0; i < r->n; i++)
		emit_rule(p, &r->rules[i]);
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* --- the kernel ----------------------------------------------------------------------------- */

static int bpf(int command, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

static int program_load(const struct program *p)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)p->code;
	attr.insn_cnt = (__u32)p->n;
	attr.license = (uintptr_t) "LGPL-2.1-or-later";
	(void)snprintf(attr.prog_name, sizeof(attr.prog_name), "netnsd_devices");
	return bpf(BPF_PROG_LOAD, &attr);
}

static int program_attach(const char *path, int program)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	union bpf_attr attr;

	if (fd < 0)
		return -errno;
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (__u32)fd;
	attr.attach_bpf_fd = (__u32)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	return bpf(BPF_PROG_ATTACH, &attr);
}

static int cannot(struct error *err, int e, const char *path, const char *what)
{
	int code = e == -ENOSYS || e == -EINVAL || e == -EPERM || e == -EACCES ? -EOPNOTSUPP : e;

	errno = -e;
	return error_set(err, code,
			 "cannot restrict the devices of the cgroup %s: the kernel refuses to %s: %m%s", path,
			 what,
			 code == -EOPNOTSUPP ? " (it needs CONFIG_CGROUP_BPF, cgroup v2 and the "
					       "right to use BPF; DevicePolicy=auto does without)"
					     : "");
}

static int install(const char *path, const struct rules *rules, struct error *err)
{
	_cleanup_free_ struct program *p = malloc(sizeof(*p));
	_cleanup_close_ int program = -1;
	int e;

	if (!p)
		return error_set(err, -ENOMEM, "cannot restrict the devices of the cgroup %s: out of memory",
				 path);
	program_make(p, rules);
	program = program_load(p);
	if (program < 0)
		return cannot(err, program, path, "load the program for it");
	e = program_attach(path, program);
	return e < 0 ? cannot(err, e, path, "attach the program to it") : 0;
}

int cgroup_devices(const char *path, const char *policy, char *const *allow, struct error *err)
{
	bool strict = str_equal(policy, "strict"), is_auto = !policy || str_equal(policy, "auto");
	_cleanup_free_ struct rules *rules = NULL;
	int e = 0;

	if (!strict && !is_auto && !str_equal(policy, "closed"))
		return error_set(err, -EINVAL, "DevicePolicy=%s: expected auto, closed or strict", policy);
	if (is_auto && strv_length(allow) == 0)
		return 0;
	rules = calloc(1, sizeof(*rules));
	if (!rules)
		return error_set(err, -ENOMEM, "cannot restrict the devices of the cgroup %s: out of memory",
				 path);
	rules->err = err;
	if (!strict)
		e = add_closed(rules);
	for (size_t i = 0; e == 0 && allow && allow[i]; i++)
		e = add_word(rules, allow[i]);
	if (e == 0)
		e = install(path, rules, err);
	return e < 0 ? e : rules->missing;
}
