/*
 * Records what a process does to the files of one folder, to be loaded with LD_PRELOAD.
 *
 * DISK_FOLDER is the folder (absolute), DISK_TRACE the file that operations are appended to, DISK_SYNC_US how much
 * longer each sync takes: a slow disk makes the moments long in which a power cut hurts. One record an operation, in
 * the order in which they were done, written when the operation has succeeded:
 *
 *     struct record, then name_bytes of the file's name, then data_bytes of what was written
 *
 * Files that end in -shm are left out: they are memory, and gone at a power cut.
 *
 * DISK_FAIL_SYNC is the number of the sync that fails with EIO and is recorded as such. Whatever comes next is late: what
 * the process says of the failure is heard before it does more to the files.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CREATE = 1, WRITE, TRUNCATE, SYNC, UNLINK, RENAME, SYNC_FOLDER, FAILED_SYNC };

struct record {
    uint64_t began_ns;
    uint64_t ended_ns;
    uint32_t operation;
    uint32_t name_bytes;
    uint64_t offset;
    uint64_t data_bytes;
};

#define MAX_FD 4096
#define LATE_US 50000

static char folder[PATH_MAX];
static size_t folder_bytes;
static int trace = -1;
static long sync_us;
static long until_failure; /* syncs, the one that fails included; not positive once that is over */
static volatile int late;
static char *names[MAX_FD];
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("DISK_FOLDER"), *to = getenv("DISK_TRACE"), *delay = getenv("DISK_SYNC_US");
    const char *fails = getenv("DISK_FAIL_SYNC");
    if (name == NULL || to == NULL || realpath(name, folder) == NULL)
        return;
    folder_bytes = strlen(folder);
    sync_us = delay == NULL ? 0 : atol(delay);
    until_failure = fails == NULL ? 0 : atol(fails);
    int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    trace = real_open(to, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The name inside the folder; "" for the folder itself, NULL for what is elsewhere. */
static const char *inside(const char *path) {
    if (trace < 0 || strncmp(path, folder, folder_bytes) != 0)
        return NULL;
    if (path[folder_bytes] == 0)
        return "";
    if (path[folder_bytes] != '/')
        return NULL;
    const char *name = path + folder_bytes + 1;
    size_t bytes = strlen(name);
    return bytes >= 4 && strcmp(name + bytes - 4, "-shm") == 0 ? NULL : name;
}

static const char *name_of(int fd) { return fd >= 0 && fd < MAX_FD ? names[fd] : NULL; }

static void note(uint64_t began, int operation, const char *name, uint64_t offset, const void *data, size_t bytes) {
    struct record record = {began, now_ns(), (uint32_t)operation, (uint32_t)strlen(name), offset, bytes};
    struct iovec parts[] = {{&record, sizeof record}, {(void *)name, strlen(name)}, {(void *)data, bytes}};
    int saved = errno;
    if (writev(trace, parts, 3) != (ssize_t)(sizeof record + record.name_bytes + bytes))
        abort(); /* a trace with a hole would prove what is not so */
    errno = saved;
}

/* Before an operation: the mutex is not held yet. */
static void be_late(void) {
    if (late) {
        late = 0;
        usleep(LATE_US);
    }
}

static void remember(int fd, const char *path, int flags, int existed, uint64_t began) {
    const char *name = inside(path);
    if (fd < 0 || fd >= MAX_FD || name == NULL)
        return;
    free(names[fd]);
    names[fd] = strdup(name);
    if ((flags & O_CREAT) && !existed && *name)
        note(began, CREATE, name, 0, NULL, 0);
    if ((flags & O_TRUNC) && existed && *name)
        note(began, TRUNCATE, name, 0, NULL, 0);
}

static int open_by(const char *function, const char *path, int flags, mode_t mode) {
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, function);
    pthread_mutex_lock(&order);
    uint64_t began = now_ns();
    int existed = access(path, F_OK) == 0;
    int fd = real(path, flags, mode);
    remember(fd, path, flags, existed, began);
    pthread_mutex_unlock(&order);
    return fd;
}

static mode_t mode_from(int flags, va_list rest) { return flags & O_CREAT ? va_arg(rest, mode_t) : 0; }

#define OPEN(function)                                                                                                 \
    int function(const char *path, int flags, ...) {                                                                   \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = mode_from(flags, rest);                                                                          \
        va_end(rest);                                                                                                  \
        return open_by(#function, path, flags, mode);                                                                  \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "close");
    pthread_mutex_lock(&order);
    if (fd >= 0 && fd < MAX_FD) {
        free(names[fd]);
        names[fd] = NULL;
    }
    int result = real(fd);
    pthread_mutex_unlock(&order);
    return result;
}

static ssize_t pwrite_by(const char *function, int fd, const void *data, size_t bytes, off_t offset) {
    ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, function);
    if (name_of(fd) == NULL)
        return real(fd, data, bytes, offset);
    be_late();
    pthread_mutex_lock(&order);
    uint64_t began = now_ns();
    ssize_t written = real(fd, data, bytes, offset);
    if (written > 0)
        note(began, WRITE, names[fd], (uint64_t)offset, data, (size_t)written);
    pthread_mutex_unlock(&order);
    return written;
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) {
    return pwrite_by("pwrite", fd, data, bytes, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off_t offset) {
    return pwrite_by("pwrite64", fd, data, bytes, offset);
}

ssize_t write(int fd, const void *data, size_t bytes) {
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    if (name_of(fd) == NULL)
        return real(fd, data, bytes);
    pthread_mutex_lock(&order);
    uint64_t began = now_ns();
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t written = real(fd, data, bytes);
    if (written > 0)
        note(began, WRITE, names[fd], (uint64_t)offset, data, (size_t)written);
    pthread_mutex_unlock(&order);
    return written;
}

static int truncate_by(const char *function, int fd, off_t bytes) {
    int (*real)(int, off_t) = dlsym(RTLD_NEXT, function);
    if (name_of(fd) == NULL)
        return real(fd, bytes);
    pthread_mutex_lock(&order);
    uint64_t began = now_ns();
    int result = real(fd, bytes);
    if (result == 0)
        note(began, TRUNCATE, names[fd], (uint64_t)bytes, NULL, 0);
    pthread_mutex_unlock(&order);
    return result;
}

int ftruncate(int fd, off_t bytes) { return truncate_by("ftruncate", fd, bytes); }
int ftruncate64(int fd, off_t bytes) { return truncate_by("ftruncate64", fd, bytes); }

static int sync_by(const char *function, int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, function);
    if (name_of(fd) == NULL)
        return real(fd);
    uint64_t began = now_ns();
    if (sync_us)
        usleep((useconds_t)sync_us);
    pthread_mutex_lock(&order);
    int fails = --until_failure == 0, result = fails ? -1 : real(fd);
    if (fails) {
        note(began, FAILED_SYNC, names[fd], 0, NULL, 0);
        late = 1;
        errno = EIO;
    } else if (result == 0)
        note(began, *names[fd] ? SYNC : SYNC_FOLDER, names[fd], 0, NULL, 0);
    pthread_mutex_unlock(&order);
    return result;
}

int fsync(int fd) { return sync_by("fsync", fd); }
int fdatasync(int fd) { return sync_by("fdatasync", fd); }

int unlink(const char *path) {
    int (*real)(const char *) = dlsym(RTLD_NEXT, "unlink");
    const char *name = inside(path);
    pthread_mutex_lock(&order);
    uint64_t began = now_ns();
    int result = real(path);
    if (result == 0 && name != NULL)
        note(began, UNLINK, name, 0, NULL, 0);
    pthread_mutex_unlock(&order);
    return result;
}

int rename(const char *from, const char *to) {
    int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
    const char *old = inside(from), *new = inside(to);
    pthread_mutex_lock(&order);
    uint64_t began = now_ns();
    int result = real(from, to);
    if (result == 0 && old != NULL && new != NULL)
        note(began, RENAME, old, 0, new, strlen(new));
    pthread_mutex_unlock(&order);
    return result;
}
