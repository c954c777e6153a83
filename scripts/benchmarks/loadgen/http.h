/* What the table of protocols needs of HTTP. */
#ifndef HTTP_H
#define HTTP_H

#include "loadgen.h"

size_t http_post(struct speaker *speaker, char *out);
size_t http_json(struct speaker *speaker, char *out);
size_t http_page(struct speaker *speaker, char *out);
size_t http_known(struct speaker *speaker, char *out);
enum outcome http_reply(struct speaker *speaker, const char *in, size_t length, size_t *used);
enum outcome http_learn(struct speaker *speaker, const char *in, size_t length, size_t *used);
enum outcome http_not_modified(struct speaker *speaker, const char *in, size_t length, size_t *used);

#endif
