/* Stands between a process and libc: sees every call that looks at or changes something below one folder, and at
   the k-th of them kills the process, tears the write, gives an error, stops, interrupts, or cuts the power of the
   file system. For LD_PRELOAD; does nothing until `shim_arm` is called. See shim.py. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { CHANGE = 1, LOOK = 2 };
enum { COUNT, KILL_BEFORE, KILL_AFTER, TORN, FAIL_ONCE, FAIL_ON, SHORT, STOP, CUT_BEFORE, CUT_AFTER, INTERRUPT };
enum { TRACED = 8192 };
#define FS_IOC_SHUTDOWN _IOR('X', 125, unsigned int)

struct seen {
  char name[24];
  char path[232];
};

/* Shared between the process that started all others and these. */
static struct {
  long calls;  /* of the armed process, of the classes asked for */
  long fired;  /* the action was taken */
  long busy;   /* a lock was found taken, by any process */
  struct seen trace[TRACED];
} *shared;

static int armed, action, failure, classes, disk = -1;
static unsigned int cut_flags;
static long at;
static char root[PATH_MAX];
static size_t root_length;

__attribute__((constructor)) static void start(void) {
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) abort();
}

void *shim_shared(void) { return shared; }

void shim_reset(void) { shared->calls = shared->fired = shared->busy = 0; }

/* From now on count calls of some classes below `folder`; do `what` at the `when`-th. `fd` is on the disk to cut. */
void shim_arm(const char *folder, int what, long when, int error, int which, int fd, unsigned int flags) {
  snprintf(root, sizeof root, "%s", folder);
  root_length = strlen(root);
  action = what, at = when, failure = error, classes = which, disk = fd, cut_flags = flags;
  armed = 1;
}

void shim_disarm(void) { armed = 0; }

static int of_fd(int fd, char *to) {
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, to, PATH_MAX - 1);
  to[length < 0 ? 0 : length] = 0;
  return length > 0;
}

/* Is it below the folder? Then leaves the rest of the path in `to`. */
static int inside(int dir, const char *path, char *to) {
  char full[2 * PATH_MAX];
  if (!armed) return 0;
  if (path == NULL || *path == 0) {
    if (!of_fd(dir, full)) return 0;
  } else if (strncmp(path, "/proc/self/fd/", 14) == 0) {
    if (!of_fd(atoi(path + 14), full)) return 0;
  } else if (*path == '/') {
    snprintf(full, sizeof full, "%s", path);
  } else {
    if (dir == AT_FDCWD || !of_fd(dir, full)) return 0;
    size_t length = strlen(full);
    snprintf(full + length, sizeof full - length, "/%s", path);
  }
  if (strncmp(full, root, root_length) != 0 || (full[root_length] != '/' && full[root_length] != 0)) return 0;
  snprintf(to, PATH_MAX, "%s", full[root_length] ? full + root_length + 1 : ".");
  return 1;
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static void cut(void) {
  ioctl(disk, FS_IOC_SHUTDOWN, &cut_flags);
  die();
}

/* Count a call. Gives 1 if it must fail with `errno`; otherwise `*then` says what is to be done with or after it. */
static int gate(const char *name, int class, const char *path, int *then) {
  if (!(classes & class)) return 0;
  long number = ++shared->calls;
  if (number <= TRACED) {
    struct seen *seen = &shared->trace[number - 1];
    snprintf(seen->name, sizeof seen->name, "%s", name);
    snprintf(seen->path, sizeof seen->path, "%s", path);
  }
  if (action == COUNT || number < at || (number > at && action != FAIL_ON)) return 0;
  shared->fired = 1;
  switch (action) {
    case KILL_BEFORE: die(); break;
    case CUT_BEFORE: cut(); break;
    case STOP: raise(SIGSTOP); break;
    case INTERRUPT: raise(SIGINT); break;
    case FAIL_ONCE:
    case FAIL_ON: errno = failure; return 1;
    default: *then = action;
  }
  return 0;
}

static void finish(int then) {
  if (then == KILL_AFTER || then == TORN) die();
  if (then == CUT_AFTER) cut();
}

#define REAL(name) \
  static __typeof__(name) *real; \
  if (real == NULL) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* The rest of a wrapper: is the call ours, is it to fail, do it, and what then. */
#define REST(class, ours, failed, call) \
  char path_[PATH_MAX]; \
  int then_ = 0; \
  if ((ours) && gate(__func__, class, path_, &then_)) return failed; \
  __typeof__(call) result_ = (call); \
  if (then_) { int saved_ = errno; finish(then_); errno = saved_; } \
  return result_

/* As REST, for calls that write `length` bytes: they can be torn, or come short. */
#define WRITES(ours, length, call, half) \
  char path_[PATH_MAX]; \
  int then_ = 0; \
  if ((ours) && gate(__func__, CHANGE, path_, &then_)) return -1; \
  ssize_t result_ = (then_ == TORN || then_ == SHORT) && (length) > 1 ? (half) : (call); \
  if (then_) { int saved_ = errno; finish(then_); errno = saved_; } \
  return result_

#define MODE(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
#define CLASS_OF(flags) ((flags) & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR) ? CHANGE : LOOK)

int open(const char *path, int flags, ...) {
  MODE(flags); REAL(open); REST(CLASS_OF(flags), inside(AT_FDCWD, path, path_), -1, real(path, flags, mode)); }
int open64(const char *path, int flags, ...) {
  MODE(flags); REAL(open64); REST(CLASS_OF(flags), inside(AT_FDCWD, path, path_), -1, real(path, flags, mode)); }
int openat(int dir, const char *path, int flags, ...) {
  MODE(flags); REAL(openat); REST(CLASS_OF(flags), inside(dir, path, path_), -1, real(dir, path, flags, mode)); }
int openat64(int dir, const char *path, int flags, ...) {
  MODE(flags); REAL(openat64); REST(CLASS_OF(flags), inside(dir, path, path_), -1, real(dir, path, flags, mode)); }
/* What a libc call becomes that was compiled with _FORTIFY_SOURCE and makes nothing. */
int __open_2(const char *path, int flags) {
  REAL(open); REST(CLASS_OF(flags), inside(AT_FDCWD, path, path_), -1, real(path, flags)); }
int __open64_2(const char *path, int flags) {
  REAL(open64); REST(CLASS_OF(flags), inside(AT_FDCWD, path, path_), -1, real(path, flags)); }
int __openat_2(int dir, const char *path, int flags) {
  REAL(openat); REST(CLASS_OF(flags), inside(dir, path, path_), -1, real(dir, path, flags)); }
int __openat64_2(int dir, const char *path, int flags) {
  REAL(openat64); REST(CLASS_OF(flags), inside(dir, path, path_), -1, real(dir, path, flags)); }
int creat(const char *path, mode_t mode) {
  REAL(creat); REST(CHANGE, inside(AT_FDCWD, path, path_), -1, real(path, mode)); }
int creat64(const char *path, mode_t mode) {
  REAL(creat64); REST(CHANGE, inside(AT_FDCWD, path, path_), -1, real(path, mode)); }

ssize_t write(int fd, const void *data, size_t n) {
  REAL(write); WRITES(inside(fd, NULL, path_), n, real(fd, data, n), real(fd, data, n / 2)); }
ssize_t pwrite(int fd, const void *data, size_t n, off_t to) {
  REAL(pwrite); WRITES(inside(fd, NULL, path_), n, real(fd, data, n, to), real(fd, data, n / 2, to)); }
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t to) {
  REAL(pwrite64); WRITES(inside(fd, NULL, path_), n, real(fd, data, n, to), real(fd, data, n / 2, to)); }
ssize_t writev(int fd, const struct iovec *data, int n) {
  REAL(writev); WRITES(inside(fd, NULL, path_), n, real(fd, data, n), real(fd, data, n / 2)); }
ssize_t pwritev(int fd, const struct iovec *data, int n, off_t to) {
  REAL(pwritev); WRITES(inside(fd, NULL, path_), n, real(fd, data, n, to), real(fd, data, n / 2, to)); }
ssize_t pwritev64v2(int fd, const struct iovec *data, int n, off64_t to, int flags) {
  REAL(pwritev64v2);
  WRITES(inside(fd, NULL, path_), n, real(fd, data, n, to, flags), real(fd, data, n / 2, to, flags)); }
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t n, unsigned int flags) {
  REAL(copy_file_range);
  WRITES(inside(out, NULL, path_), n, real(in, from, out, to, n, flags), real(in, from, out, to, n / 2, flags)); }
ssize_t sendfile(int out, int in, off_t *from, size_t n) {
  REAL(sendfile); WRITES(inside(out, NULL, path_), n, real(out, in, from, n), real(out, in, from, n / 2)); }
ssize_t sendfile64(int out, int in, off64_t *from, size_t n) {
  REAL(sendfile64); WRITES(inside(out, NULL, path_), n, real(out, in, from, n), real(out, in, from, n / 2)); }

int rename(const char *old, const char *new) {
  REAL(rename);
  REST(CHANGE, inside(AT_FDCWD, new, path_) || inside(AT_FDCWD, old, path_), -1, real(old, new)); }
int renameat(int olddir, const char *old, int newdir, const char *new) {
  REAL(renameat);
  REST(CHANGE, inside(newdir, new, path_) || inside(olddir, old, path_), -1, real(olddir, old, newdir, new)); }
int renameat2(int olddir, const char *old, int newdir, const char *new, unsigned int flags) {
  REAL(renameat2);
  REST(CHANGE, inside(newdir, new, path_) || inside(olddir, old, path_), -1, real(olddir, old, newdir, new, flags)); }
int link(const char *old, const char *new) {
  REAL(link); REST(CHANGE, inside(AT_FDCWD, new, path_), -1, real(old, new)); }
int linkat(int olddir, const char *old, int newdir, const char *new, int flags) {
  REAL(linkat); REST(CHANGE, inside(newdir, new, path_), -1, real(olddir, old, newdir, new, flags)); }
int symlink(const char *text, const char *path) {
  REAL(symlink); REST(CHANGE, inside(AT_FDCWD, path, path_), -1, real(text, path)); }
int symlinkat(const char *text, int dir, const char *path) {
  REAL(symlinkat); REST(CHANGE, inside(dir, path, path_), -1, real(text, dir, path)); }
int unlink(const char *path) {
  REAL(unlink); REST(CHANGE, inside(AT_FDCWD, path, path_), -1, real(path)); }
int unlinkat(int dir, const char *path, int flags) {
  REAL(unlinkat); REST(CHANGE, inside(dir, path, path_), -1, real(dir, path, flags)); }
int rmdir(const char *path) {
  REAL(rmdir); REST(CHANGE, inside(AT_FDCWD, path, path_), -1, real(path)); }
int mkdir(const char *path, mode_t mode) {
  REAL(mkdir); REST(CHANGE, inside(AT_FDCWD, path, path_), -1, real(path, mode)); }
int mkdirat(int dir, const char *path, mode_t mode) {
  REAL(mkdirat); REST(CHANGE, inside(dir, path, path_), -1, real(dir, path, mode)); }
int chmod(const char *path, mode_t mode) {
  REAL(chmod); REST(CHANGE, inside(AT_FDCWD, path, path_), -1, real(path, mode)); }
int fchmod(int fd, mode_t mode) {
  REAL(fchmod); REST(CHANGE, inside(fd, NULL, path_), -1, real(fd, mode)); }
int fchmodat(int dir, const char *path, mode_t mode, int flags) {
  REAL(fchmodat); REST(CHANGE, inside(dir, path, path_), -1, real(dir, path, mode, flags)); }
int utimensat(int dir, const char *path, const struct timespec times[2], int flags) {
  REAL(utimensat); REST(CHANGE, inside(dir, path, path_), -1, real(dir, path, times, flags)); }
int futimens(int fd, const struct timespec times[2]) {
  REAL(futimens); REST(CHANGE, inside(fd, NULL, path_), -1, real(fd, times)); }
int truncate64(const char *path, off64_t length) {
  REAL(truncate64); REST(CHANGE, inside(AT_FDCWD, path, path_), -1, real(path, length)); }
int ftruncate(int fd, off_t length) {
  REAL(ftruncate); REST(CHANGE, inside(fd, NULL, path_), -1, real(fd, length)); }
int ftruncate64(int fd, off64_t length) {
  REAL(ftruncate64); REST(CHANGE, inside(fd, NULL, path_), -1, real(fd, length)); }
int fremovexattr(int fd, const char *name) {
  REAL(fremovexattr); REST(CHANGE, inside(fd, NULL, path_), -1, real(fd, name)); }
int fsync(int fd) { REAL(fsync); REST(CHANGE, inside(fd, NULL, path_), -1, real(fd)); }
int fdatasync(int fd) { REAL(fdatasync); REST(CHANGE, inside(fd, NULL, path_), -1, real(fd)); }
int syncfs(int fd) { REAL(syncfs); REST(CHANGE, inside(fd, NULL, path_), -1, real(fd)); }

static int lock(int fd, int operation) {
  REAL(flock);
  int result = real(fd, operation);
  if (result != 0 && errno == EWOULDBLOCK) shared->busy++;
  return result;
}
int flock(int fd, int operation) { REST(CHANGE, inside(fd, NULL, path_), -1, lock(fd, operation)); }

ssize_t read(int fd, void *to, size_t n) { REAL(read); REST(LOOK, inside(fd, NULL, path_), -1, real(fd, to, n)); }
ssize_t readv(int fd, const struct iovec *to, int n) {
  REAL(readv); REST(LOOK, inside(fd, NULL, path_), -1, real(fd, to, n)); }
DIR *opendir(const char *path) {
  REAL(opendir); REST(LOOK, inside(AT_FDCWD, path, path_), NULL, real(path)); }
DIR *fdopendir(int fd) { REAL(fdopendir); REST(LOOK, inside(fd, NULL, path_), NULL, real(fd)); }
ssize_t readlink(const char *path, char *to, size_t n) {
  REAL(readlink); REST(LOOK, inside(AT_FDCWD, path, path_), -1, real(path, to, n)); }
ssize_t readlinkat(int dir, const char *path, char *to, size_t n) {
  REAL(readlinkat); REST(LOOK, inside(dir, path, path_), -1, real(dir, path, to, n)); }
int stat64(const char *path, struct stat64 *to) {
  REAL(stat64); REST(LOOK, inside(AT_FDCWD, path, path_), -1, real(path, to)); }
int lstat64(const char *path, struct stat64 *to) {
  REAL(lstat64); REST(LOOK, inside(AT_FDCWD, path, path_), -1, real(path, to)); }
int fstatat64(int dir, const char *path, struct stat64 *to, int flags) {
  REAL(fstatat64); REST(LOOK, inside(dir, path, path_), -1, real(dir, path, to, flags)); }
