/* A cluster of three brokers on loopback with one topic, made by librdkafka, for tests of other
 * processes. Prints where it listens, then one line for each command that it was given:
 *     down, up, fail     (fail: the next five requests to write get an error each)
 * usage: kafka_broker TOPIC PARTITIONS; ends with standard input. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { brokers = 3, produce = 0 };

static void set_all(rd_kafka_mock_cluster_t *cluster, int up)
{
	for (int32_t broker = 1; broker <= brokers; ++broker) {
		if (up)
			rd_kafka_mock_broker_set_up(cluster, broker);
		else
			rd_kafka_mock_broker_set_down(cluster, broker);
	}
}

int main(int count, char **arguments)
{
	char words[256];
	if (count != 3) {
		fprintf(stderr, "usage: kafka_broker TOPIC PARTITIONS\n");
		return 2;
	}
	rd_kafka_t *handle =
		rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), words, sizeof words);
	if (!handle) {
		fprintf(stderr, "%s\n", words);
		return 1;
	}
	rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(handle, brokers);
	rd_kafka_mock_topic_create(cluster, arguments[1], atoi(arguments[2]), 1);
	printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
	fflush(stdout);
	while (fgets(words, sizeof words, stdin)) {
		words[strcspn(words, "\n")] = '\0';
		if (!strcmp(words, "down") || !strcmp(words, "up"))
			set_all(cluster, words[0] == 'u');
		else if (!strcmp(words, "fail"))
			rd_kafka_mock_push_request_errors(
				cluster, produce, 5, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
				RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
				RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
				RD_KAFKA_RESP_ERR__TRANSPORT);
		printf("%s\n", words);
		fflush(stdout);
	}
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(handle);
	return 0;
}
