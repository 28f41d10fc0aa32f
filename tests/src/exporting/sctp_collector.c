// A Collecting Process over SCTP, by usrsctp with sockets and threads of its own: what each
// association brings goes into a file, message behind message, which is an IPFIX file (RFC 5655).
// usage: sctp_collector ADDRESS PORT UDP_PORT|0 FILE [MESSAGES]
// Ends behind the first association that its other side ends. Breaks off the first one behind so
// many messages; those that its stack had confirmed by then it still reads. Prints "listening" once
// it does, and at the end messages and octets. UDP_PORT 0: SCTP itself, for which it needs root.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <usrsctp.h>

static unsigned long messages, octets;

// RFC 9260 section 9.1. What was confirmed stays to be read.
static void break_off(struct socket *one) {
    struct sctp_sndinfo info = {.snd_flags = SCTP_ABORT};
    usrsctp_sendv(one, "", 0, NULL, 0, &info, sizeof info, SCTP_SENDV_SNDINFO, 0);
    printf("broken off behind %lu messages\n", messages);
}

// 0: the other side ended it.
static int take(struct socket *from, FILE *to, unsigned long messages_max) {
    static char room[65536];
    int is_broken = 0;
    for (;;) {
        struct sctp_rcvinfo info;
        socklen_t info_octets = sizeof info, from_octets = 0;
        unsigned int kind = 0;
        int flags = 0;
        ssize_t got = usrsctp_recvv(from, room, sizeof room, NULL, &from_octets, &info,
                                    &info_octets, &kind, &flags);
        if (got <= 0) {
            return is_broken;
        }
        if ((flags & MSG_NOTIFICATION) != 0) {
            continue;
        }
        messages += (flags & MSG_EOR) != 0;
        octets += (unsigned long)got;
        fwrite(room, 1, (size_t)got, to);
        fflush(to);
        if (messages_max != 0 && messages == messages_max) {
            break_off(from);
            is_broken = 1;
        }
    }
}

static struct socket *listen_at(const char *address, unsigned short port) {
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    const int is_six = inet_pton(AF_INET6, address, &six.sin6_addr) == 1;
    if (!is_six && inet_pton(AF_INET, address, &four.sin_addr) != 1) {
        return NULL;
    }
    struct socket *one = usrsctp_socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_SCTP,
                                        NULL, NULL, 0, NULL);
    struct sockaddr *at = is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    const socklen_t size = is_six ? sizeof six : sizeof four;
    if (one == NULL || usrsctp_bind(one, at, size) != 0 || usrsctp_listen(one, 4) != 0) {
        return NULL;
    }
    return one;
}

int main(int count, char **words) {
    if (count < 5) {
        fprintf(stderr, "usage: %s ADDRESS PORT UDP_PORT|0 FILE [MESSAGES]\n", words[0]);
        return 2;
    }
    usrsctp_init((uint16_t)atoi(words[3]), NULL, NULL);
    usrsctp_sysctl_set_sctp_blackhole(2);  // of other associations on this host it knows nothing
    usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
    struct socket *listener = listen_at(words[1], (unsigned short)atoi(words[2]));
    FILE *file = fopen(words[4], "wb");
    if (listener == NULL || file == NULL) {
        perror(words[0]);
        return 1;
    }
    puts("listening");
    fflush(stdout);
    unsigned long messages_max = count > 5 ? strtoul(words[5], NULL, 10) : 0;
    for (int broken = 1; broken; messages_max = 0) {
        struct socket *one = usrsctp_accept(listener, NULL, NULL);
        if (one == NULL) {
            perror("accept");
            return 1;
        }
        broken = take(one, file, messages_max);
        usrsctp_close(one);
    }
    fclose(file);
    printf("%lu messages, %lu octets\n", messages, octets);
    fflush(stdout);
    _Exit(0);  // the library's threads may still hold its sockets
}
