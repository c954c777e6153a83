/*
 * Puts the calendar clock of a process forward or back, to be loaded with LD_PRELOAD.
 *
 * CLOCK_FILE names a file that holds a 64-bit count of nanoseconds in the machine's byte order, which is added to what
 * CLOCK_REALTIME says. Whoever writes it moves the clock at once. CLOCK_MONOTONIC is as it was: no system moves that.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ll

static const volatile int64_t *moved_by;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("CLOCK_FILE");
    int fd = name == NULL ? -1 : open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof *moved_by, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED)
        moved_by = mapped;
    close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL)
        real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME && moved_by != NULL) {
        int64_t moved = (int64_t)now->tv_sec * SECOND + now->tv_nsec + *moved_by;
        now->tv_sec = moved / SECOND;
        now->tv_nsec = moved % SECOND;
    }
    return result;
}

time_t time(time_t *to) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to != NULL)
        *to = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict to, void *restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    to->tv_sec = now.tv_sec;
    to->tv_usec = now.tv_nsec / 1000;
    return 0;
}
