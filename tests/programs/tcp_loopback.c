// TCP within the machine: connecting, both directions, half-close, resets, backlogs, waiting with poll and epoll.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *name(int result) { return result < 0 ? strerrorname_np(errno) : "ok"; }

static void say(const char *what, long result) {
    printf("%s: %ld %s\n", what, result, result < 0 ? strerrorname_np(errno) : "");
}

static struct sockaddr_in at(int port) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int port_of(int fd) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) perror("getsockname");
    return ntohs(address.sin_port);
}

static int listening(int backlog) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = at(0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) perror("bind");
    if (listen(fd, backlog) < 0) perror("listen");
    return fd;
}

static int connected(int port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = at(port);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) perror("connect");
    return fd;
}

static void events(const char *what, int fd) {
    struct pollfd entry = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};
    poll(&entry, 1, 0);
    printf("%s:%s%s%s%s%s\n", what, entry.revents & POLLIN ? " IN" : "", entry.revents & POLLOUT ? " OUT" : "",
           entry.revents & POLLERR ? " ERR" : "", entry.revents & POLLHUP ? " HUP" : "",
           entry.revents & POLLRDHUP ? " RDHUP" : "");
}

static int pending_error(int fd) {
    int error = -1;
    socklen_t size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

static void *echo(void *argument) {
    int fd = accept(*(int *)argument, NULL, NULL);
    char buffer[5000];
    ssize_t length;
    while ((length = read(fd, buffer, sizeof buffer)) > 0) {
        for (ssize_t done = 0; done < length;) done += write(fd, buffer + done, length - done);
    }
    close(fd);
    return NULL;
}

static void large(void) {
    int listener = listening(4);
    pthread_t thread;
    pthread_create(&thread, NULL, echo, &listener);
    int fd = connected(port_of(listener));
    static char sent[1000000], received[1000000];
    for (size_t i = 0; i < sizeof sent; i++) sent[i] = i * 7 + i / 1000;
    size_t out = 0, in = 0;
    while (in < sizeof received) {
        struct pollfd entry = {.fd = fd, .events = POLLIN | (out < sizeof sent ? POLLOUT : 0)};
        poll(&entry, 1, -1);
        if (entry.revents & POLLOUT) {
            ssize_t length = send(fd, sent + out, sizeof sent - out, MSG_DONTWAIT);
            if (length > 0) out += length;
            if (out == sizeof sent) shutdown(fd, SHUT_WR);
        }
        if (entry.revents & POLLIN) {
            ssize_t length = read(fd, received + in, sizeof received - in);
            if (length <= 0) break;
            in += length;
        }
    }
    printf("a million bytes came back: %s\n", in == sizeof sent && !memcmp(sent, received, in) ? "the same" : "others");
    char end;
    say("then the end", read(fd, &end, 1));
    pthread_join(thread, NULL);
    close(fd);
    close(listener);
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    int listener = listening(4), port = port_of(listener);
    events("a listener without connections", listener);
    int client = connected(port);
    events("a listener with one", listener);
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    int server = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);
    printf("the peer is the client: %d, of %d bytes\n", ntohs(peer.sin_port) == port_of(client), size);
    events("fresh client", client);
    say("reading nothing", recv(client, &peer, 1, MSG_DONTWAIT));
    say("write", write(client, "question", 8));
    int available = 0;
    ioctl(server, FIONREAD, &available);
    printf("%d can be read\n", available);
    char buffer[64] = "";
    say("peek", recv(server, buffer, 4, MSG_PEEK));
    struct iovec parts[2] = {{buffer, 3}, {buffer + 10, 20}};
    say("readv", readv(server, parts, 2));
    printf("%.3s|%.5s\n", buffer, buffer + 10);
    write(client, "four", 4);
    say("nothing with MSG_DONTWAIT and MSG_WAITALL is short", recv(server, buffer, 10, MSG_DONTWAIT | MSG_WAITALL));

    say("half-close", shutdown(client, SHUT_WR));
    events("the client after it", client);
    events("the server after it", server);
    say("the server reads", read(server, buffer, sizeof buffer));
    say("the client writes", send(client, "x", 1, MSG_NOSIGNAL));
    say("the server answers", write(server, "answer", 6));
    say("the client reads", read(client, buffer, sizeof buffer));
    close(server);
    say("the client reads the end", read(client, buffer, sizeof buffer));
    events("the client after the end", client);
    say("shutdown of what is over", shutdown(client, SHUT_RDWR));
    size = sizeof peer;
    say("the peer of what is over", getpeername(client, (struct sockaddr *)&peer, &size));
    close(client);

    client = connected(port);
    server = accept(listener, NULL, NULL);
    write(client, "unread", 6);
    close(server);
    events("reset by unread bytes", client);
    printf("error %s\n", strerrorname_np(pending_error(client)));
    printf("error afterwards %d\n", pending_error(client));
    say("reading after a reset", read(client, buffer, 1));
    say("writing after a reset", write(client, "x", 1));
    close(client);

    client = connected(port);
    server = accept(listener, NULL, NULL);
    struct linger now = {1, 0};
    setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(client);
    say("reset by SO_LINGER", read(server, buffer, 1));
    close(server);

    client = connected(port);
    server = accept(listener, NULL, NULL);
    close(server);
    say("the first write to a closed peer", write(client, "x", 1));
    usleep(1000);
    say("the second", write(client, "x", 1));
    close(client);

    int refused = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    close(listener);
    struct sockaddr_in address = at(port);
    printf("connecting to nobody: %s\n", name(connect(refused, (struct sockaddr *)&address, sizeof address)));
    usleep(1000);
    events("and then", refused);
    printf("error %s\n", strerrorname_np(pending_error(refused)));
    close(refused);
    int blocking = socket(AF_INET, SOCK_STREAM, 0);
    printf("waiting: %s\n", name(connect(blocking, (struct sockaddr *)&address, sizeof address)));
    close(blocking);

    listener = listening(8);
    address = at(port_of(listener));
    int set = epoll_create1(0), eager = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    printf("not waiting: %s\n", name(connect(eager, (struct sockaddr *)&address, sizeof address)));
    struct epoll_event event = {.events = EPOLLOUT | EPOLLIN | EPOLLET}, got;
    epoll_ctl(set, EPOLL_CTL_ADD, eager, &event);
    int count = epoll_wait(set, &got, 1, 1000);
    printf("%d event, writable %d, error %d\n", count, !!(got.events & EPOLLOUT), pending_error(eager));
    printf("again: %s\n", name(connect(eager, (struct sockaddr *)&address, sizeof address)));
    server = accept(listener, NULL, NULL);
    write(server, "edge", 4);
    count = epoll_wait(set, &got, 1, 1000);
    printf("%d event, readable %d\n", count, !!(got.events & EPOLLIN));
    shutdown(listener, SHUT_RD);
    say("accept on what listens no more", accept(listener, NULL, NULL));
    close(eager), close(server), close(listener), close(set);
    large();
}
