/* How requests are written. */
#ifndef WRITING_H
#define WRITING_H

#include "loadgen.h"

/* Write formatted text; ends the program when it is longer than `room`. Returns its length. */
size_t format(char *out, size_t room, const char *pattern, ...) __attribute__((format(printf, 3, 4)));

/* Write a text without its NUL. Returns its length. */
size_t literal(char *out, const char *text);

/* The tag of the next request. */
const char *tag_of(const struct speaker *speaker);

#endif
