/* One publisher and many followers of one tag: sockets, clock and figures. Knows no protocol.
 *
 * A message is under way until the last follower has it, and the publisher its acknowledgement where there is one; as
 * many are as --in-flight says (a closed loop), or one is sent every --every milliseconds. Each follower's messages
 * come in the order in which they were sent, so counting them says which one it is. Prints one line of JSON.
 */
#define _GNU_SOURCE
#include "fanout.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { IN_BYTES = 64 * 1024, OUT_BYTES = 64 * 1024, EVENTS = 256, RING = 4096 };
static const double STALL_LIMIT_S = 15;

struct connection {
    int fd;
    bool ready;
    uint64_t seen;      /* messages that this follower has */
    size_t in_bytes;
    char *in;
};

/* A message under way; times in ns. */
struct message {
    uint64_t sent_at, acknowledged_at, last_at;
    uint32_t got;       /* followers that have it */
};

static struct {
    const struct dialect *dialect;
    const char *tag;
    int port, follow_port, pid;
    uint32_t followers, in_flight;
    double every_ms, warmup_s, seconds;
    long after;
    bool hold, catch_up;
} options = {.tag = "live", .followers = 100, .in_flight = 1, .warmup_s = 0.5, .seconds = 2, .after = -1};

static struct connection publisher, *followers;
static struct message ring[RING];
static uint64_t sent, acknowledged, done;   /* messages */
static uint64_t delivered, window_start, window_end, progress_at;
static uint32_t ready;
static int epoll;

const char *const program = "fanout";

/* ---- one connection ---- */

static void open_connection(struct connection *connection, int port, const char *out, size_t bytes)
{
    int yes = 1;
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection->in = malloc(IN_BYTES);
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!connection->in || connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&server, sizeof server) < 0)
        fail("connect: %s", strerror(errno));
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (bytes && send(connection->fd, out, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        fail("send: %s", strerror(errno));
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0)
        fail("epoll_ctl: %s", strerror(errno));
}

/* The message is done when all have it and it is acknowledged; what counts is when the last follower had it. */
static void look_whether_done(struct message *message)
{
    if (message->got < options.followers || (options.dialect->acknowledges && !message->acknowledged_at))
        return;
    uint64_t from = options.every_ms > 0 && options.dialect->acknowledges ? message->acknowledged_at : message->sent_at;
    done++;
    if (window_start && message->last_at >= window_start && message->last_at < window_end)
        histogram_add(message->last_at > from ? message->last_at - from : 0);
}

static void take_delivery(struct connection *follower, uint64_t now)
{
    struct message *message = &ring[follower->seen++ % RING];
    delivered += window_start && now >= window_start && now < window_end;
    progress_at = now;
    if (options.catch_up)
        return;
    if (follower->seen > sent)
        fail("a message that nobody has sent");
    message->last_at = now;
    message->got++;
    look_whether_done(message);
}

static void take_acknowledgement(uint64_t now)
{
    struct message *message = &ring[acknowledged++ % RING];
    message->acknowledged_at = now;
    look_whether_done(message);
}

static size_t take_item(struct connection *connection, const char *in, size_t length, uint64_t now)
{
    size_t used = 0;
    switch (options.dialect->read(in, length, &used)) {
    case PARTIAL: return 0;
    case FOLLOWING: ready++; connection->ready = true; break;
    case DELIVERY: take_delivery(connection, now); break;
    case ACKNOWLEDGEMENT: take_acknowledgement(now); break;
    case OTHER: break;
    case FAILURE: fail("refused: %.*s", (int)(used < 200 ? used : 200), in);
    }
    return used;
}

static void receive(struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->in + connection->in_bytes, IN_BYTES - connection->in_bytes, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        fail("a connection has ended: %s", got ? strerror(errno) : "closed by the server");
    connection->in_bytes += (size_t)got;
    size_t taken = 0, used;
    uint64_t now = now_ns();
    while (taken < connection->in_bytes
           && (used = take_item(connection, connection->in + taken, connection->in_bytes - taken, now)) > 0)
        taken += used;
    connection->in_bytes -= taken;
    memmove(connection->in, connection->in + taken, connection->in_bytes);
}

static void turn(int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, timeout_ms);
    for (int i = 0; i < count; i++)
        receive(events[i].data.ptr);
    if (now_ns() - progress_at > (uint64_t)(STALL_LIMIT_S * 1e9))
        fail("nothing has come for %.0f s", STALL_LIMIT_S);
}

/* ---- the run ---- */

static void open_followers(void)
{
    char out[512];
    followers = calloc(options.followers, sizeof *followers);
    for (uint32_t i = 0; i < options.followers; i++)
        open_connection(&followers[i], options.follow_port, out, options.dialect->follow(out, i, options.tag, options.after));
}

/* Send `count` messages in one write. */
static void publish(uint64_t count)
{
    static char out[OUT_BYTES];
    size_t bytes = 0;
    uint64_t now = now_ns();
    for (uint64_t i = 0; i < count; i++) {
        ring[sent % RING] = (struct message){.sent_at = now};
        bytes += options.dialect->publish(out + bytes, (uint32_t)++sent, options.tag);
    }
    if (send(publisher.fd, out, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
        fail("send: %s", strerror(errno));
}

/* Keep messages under way until then. */
static void publish_until(uint64_t end)
{
    static uint64_t next;
    uint64_t now;
    while ((now = now_ns()) < end) {
        if (options.every_ms > 0) {
            if (now >= next && sent == done) {
                publish(1);
                next = now + (uint64_t)(options.every_ms * 1e6);
            }
            turn(1);
        } else {
            if (sent - done < options.in_flight)
                publish(options.in_flight - (sent - done));
            turn(20);
        }
    }
}

/* Leave nothing under way: the server would give it to the followers of the next run. */
static void drain(void)
{
    while (done < sent)
        turn(20);
}

static void print_figures(double seconds, double cpu_s, double server_cpu_s)
{
    printf("{\"dialect\":\"%s\",\"followers\":%u,\"in_flight\":%u,\"messages\":%llu,\"deliveries\":%llu,\"rate\":%.1f,"
           "\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"cpu_share\":%.3f,\"server_us\":%.3f}\n",
           options.dialect->name, options.followers, options.in_flight, (unsigned long long)histogram_count(),
           (unsigned long long)delivered, (double)delivered / seconds, (double)histogram_quantile(0.5) / 1e3, (double)histogram_quantile(0.99) / 1e3,
           (double)histogram_max() / 1e3, cpu_s / seconds, delivered ? server_cpu_s * 1e6 / (double)delivered : 0);
    fflush(stdout);
}

static void open_publisher(void)
{
    char out[128];
    open_connection(&publisher, options.port, out, options.dialect->greeting ? options.dialect->greeting(out, options.followers) : 0);
}

static void measure(void)
{
    open_publisher();
    publish_until(now_ns() + (uint64_t)(options.warmup_s * 1e9));
    window_start = now_ns();
    window_end = window_start + (uint64_t)(options.seconds * 1e9);
    double cpu_before = cpu_seconds(), server_before = cpu_seconds_of(options.pid);
    publish_until(window_end);
    double cpu_s = cpu_seconds() - cpu_before, server_cpu_s = cpu_seconds_of(options.pid) - server_before;
    drain();
    print_figures(options.seconds, cpu_s, server_cpu_s);
}

/* Publish until stdin ends, so that somebody can measure the server meanwhile. */
static void publish_while_held(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    open_publisher();
    while (poll(&input, 1, 0) == 0)
        publish_until(now_ns() + (uint64_t)(options.every_ms * 1e6));
    drain();
}

static void wait_until_all_follow(void)
{
    progress_at = now_ns();
    while (ready < options.followers)
        turn(20);
}

static void usage(void)
{
    puts("usage: fanout --port N [options] DIALECT\n"
         "  --follow-port N    the port of followers, where it is not that of the publisher\n"
         "  --followers N      connections that follow (100)\n"
         "  --tag NAME         what is followed and published (live)\n"
         "  --in-flight K      messages that not all followers have (1)\n"
         "  --every MS         instead: one each so many milliseconds, timed from its acknowledgement\n"
         "  --warmup S         seconds that are not counted (0.5)\n"
         "  --seconds S        seconds that are (2)\n"
         "  --pid N            the server's process, whose CPU time is told for each delivery\n"
         "  --catch-up         publish nothing: how fast does what is there come, from --after ID on\n"
         "  --hold             follow, print, wait for the end of stdin; with --every, publish meanwhile\n"
         "dialects:");
    for (const struct dialect *dialect = DIALECTS; dialect->name; dialect++)
        printf("  %s\n", dialect->name);
}

static void read_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"port", required_argument, NULL, 'p'},   {"followers", required_argument, NULL, 'f'},
        {"tag", required_argument, NULL, 't'},    {"in-flight", required_argument, NULL, 'k'},
        {"every", required_argument, NULL, 'e'},  {"warmup", required_argument, NULL, 'w'},
        {"seconds", required_argument, NULL, 's'}, {"after", required_argument, NULL, 'a'},
        {"catch-up", no_argument, NULL, 'c'},     {"hold", no_argument, NULL, 'o'},
        {"pid", required_argument, NULL, 'P'},    {"help", no_argument, NULL, 'H'},
        {"follow-port", required_argument, NULL, 'F'},
        {NULL, 0, NULL, 0},
    };
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (name) {
        case 'p': options.port = atoi(optarg); break;
        case 'F': options.follow_port = atoi(optarg); break;
        case 'f': options.followers = (uint32_t)atoi(optarg); break;
        case 't': options.tag = optarg; break;
        case 'k': options.in_flight = (uint32_t)atoi(optarg); break;
        case 'e': options.every_ms = atof(optarg); break;
        case 'w': options.warmup_s = atof(optarg); break;
        case 's': options.seconds = atof(optarg); break;
        case 'a': options.after = atol(optarg); break;
        case 'P': options.pid = atoi(optarg); break;
        case 'c': options.catch_up = true; break;
        case 'o': options.hold = true; break;
        case 'H': usage(); exit(0);
        default: exit(2);
        }
    }
    for (const struct dialect *one = DIALECTS; optind == argc - 1 && one->name; one++)
        if (strcmp(one->name, argv[optind]) == 0)
            options.dialect = one;
    if (options.follow_port == 0)
        options.follow_port = options.port;
    if (!options.dialect || options.port < 1 || options.followers < 1 || options.seconds <= 0
        || options.in_flight < 1 || options.in_flight > 128 || strlen(options.tag) > 40)
        fail("a dialect, and a port, followers and 1 to 128 in flight are needed; see --help");
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    messages_start(now_ns() ^ (uint64_t)getpid() << 32);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    uint64_t start = window_start = now_ns();
    double server_before = cpu_seconds_of(options.pid);
    window_end = options.catch_up ? UINT64_MAX : 0;
    open_followers();
    wait_until_all_follow();
    if (options.catch_up || options.hold)
        print_figures((double)(now_ns() - start) / 1e9, cpu_seconds(), cpu_seconds_of(options.pid) - server_before);
    else
        measure();
    if (options.hold && options.every_ms > 0)
        publish_while_held();
    while (options.hold && getchar() != EOF)
        continue;
    return 0;
}
