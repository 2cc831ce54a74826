// A disk that fails on demand, put between a service and libc by LD_PRELOAD. Only calls on `.restart_count` and the
// files beside it are counted, in the order in which they are made.
//
//   FAULT_KILL=n      SIGKILL before the nth call; if it is a write, after half of its bytes
//   FAULT_STALL=call  the first such call takes FAULT_STALL_MS milliseconds; without it for ever
//   FAULT_FULL=1      every write fails with ENOSPC
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_int calls, stalled;
static atomic_char ours[1024];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int concerns(const char *path) { return path && strstr(path, ".restart_count"); }
static int is_ours(int fd) { return fd >= 0 && fd < 1024 && ours[fd]; }

// Whether the process is to die at this call.
static int last(void) {
    const char *at = getenv("FAULT_KILL");
    return atomic_fetch_add(&calls, 1) + 1 == (at ? atoi(at) : -1);
}

static void fault(const char *call) {
    const char *stall = getenv("FAULT_STALL"), *ms = getenv("FAULT_STALL_MS");
    if (stall && !strcmp(stall, call) && !atomic_exchange(&stalled, 1)) {
        long left = ms ? atol(ms) : 3600000;
        struct timespec time = {left / 1000, left % 1000 * 1000000};
        while (nanosleep(&time, &time) && errno == EINTR) {}
    }
    if (last()) kill(getpid(), SIGKILL);
}

static int opened(const char *path, int fd) {
    if (fd >= 0 && fd < 1024) ours[fd] = concerns(path);
    return fd;
}

#define OPEN(name)                                        \
    int name(const char *path, int flags, ...) {          \
        va_list rest;                                     \
        va_start(rest, flags);                            \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                     \
        if (concerns(path)) fault("open");                \
        return opened(path, REAL(name)(path, flags, mode)); \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *bytes, size_t len) {
    if (!is_ours(fd)) return REAL(write)(fd, bytes, len);
    if (getenv("FAULT_FULL")) { errno = ENOSPC; return -1; }
    if (last()) {
        REAL(write)(fd, bytes, len / 2);
        kill(getpid(), SIGKILL);
    }
    return REAL(write)(fd, bytes, len);
}

int fsync(int fd) {
    if (is_ours(fd)) fault("fsync");
    return REAL(fsync)(fd);
}

int close(int fd) {
    if (is_ours(fd)) { fault("close"); ours[fd] = 0; }
    return REAL(close)(fd);
}

int rename(const char *from, const char *to) {
    if (concerns(from)) fault("rename");
    return REAL(rename)(from, to);
}

int unlink(const char *path) {
    if (concerns(path)) fault("unlink");
    return REAL(unlink)(path);
}

int flock(int fd, int how) {
    if (is_ours(fd)) fault("flock");
    return REAL(flock)(fd, how);
}
