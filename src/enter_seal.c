/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A copy of this program in memory, which nobody can write to. A container without user namespaces is root
 * of the host's files as soon as it has one open, and it gets this program's own by /proc/self/exe: of a
 * process that has entered, or by a script "#!/proc/self/exe" in place of the command (CVE-2019-5736).
 */
#include "enter.h"

#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3: where vm.memfd_noexec is 1 it has to be said */
#endif

static int make_copy(int program)
{
	_cleanup_close_ int copy = memfd_create("netnsd", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	struct stat st;
	off_t done = 0;

	if (copy < 0 && errno == EINVAL)
		copy = memfd_create("netnsd", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (copy < 0 || fstat(program, &st) < 0)
		return -errno;
	while (done < st.st_size) {
		ssize_t n = sendfile(copy, program, NULL, (size_t)(st.st_size - done));

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += n;
	}
	if (fchmod(copy, 0500) < 0 || fcntl(copy, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	return steal_fd(copy);
}

int enter_seal(char **argv, struct error *err)
{
	_cleanup_close_ int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), copy = -1;

	if (program < 0)
		return error_set(err, -errno, "cannot open /proc/self/exe: %s", strerror(errno));
	if (fcntl(program, F_GET_SEALS) == SEALS) /* it is the copy; fails for a file */
		return 0;
	copy = make_copy(program);
	if (copy < 0)
		return error_set(err, copy, "cannot copy /proc/self/exe into memory: %s", strerror(-copy));
	(void)fexecve(copy, argv, environ);
	return error_set(err, -errno, "cannot execute a copy of /proc/self/exe in memory: %s%s",
			 strerror(errno), errno == EACCES ? "; is sysctl vm.memfd_noexec 2?" : "");
}
