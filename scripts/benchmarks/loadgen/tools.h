/* What both load generators need of C and of the system. */
#ifndef TOOLS_H
#define TOOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr_in;

extern const char *const program;   /* the name for errors; each generator has one */

/* Say what is wrong on stderr and exit with 1. */
void fail(const char *pattern, ...) __attribute__((noreturn, format(printf, 1, 2)));

uint64_t now_ns(void);
double wall_seconds(void);          /* since 1970 */
double cpu_seconds(void);           /* of this process */
double cpu_seconds_of(int pid);     /* of all threads of a process; 0 when it is not known */

/* A socket on its way to the server, from the N-th address after 127.0.0.1; from any with 0. */
int begin_to_connect(const struct sockaddr_in *server, uint32_t source);
int connect_error(int fd);          /* 0 when it is connected */

/* Length of the line at the front with its LF, 0 when it is not all there. */
size_t line_length(const char *in, size_t length);
bool starts(const char *in, size_t length, const char *prefix);

#endif
