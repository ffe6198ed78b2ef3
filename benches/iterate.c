/* The yardstick: what libpcap itself costs to hand over every packet of a file and count it. */
#include <pcap/pcap.h>
#include <stdio.h>

static unsigned long packets, bytes;

static void count(unsigned char *unused, const struct pcap_pkthdr *header, const unsigned char *data)
{
    (void)unused;
    (void)data;
    packets += 1;
    bytes += header->caplen;
}

int main(int argc, char **argv)
{
    char message[PCAP_ERRBUF_SIZE];
    pcap_t *file = argc == 2 ? pcap_open_offline(argv[1], message) : NULL;
    if (file == NULL || pcap_loop(file, -1, count, NULL) < 0)
        return 1;
    printf("%lu %lu\n", packets, bytes);
    return 0;
}
