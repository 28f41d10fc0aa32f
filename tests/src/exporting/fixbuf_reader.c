// Reads IPFIX with libfixbuf, the strictest reader there is, from a file of messages or as a
// collector, knowing nothing but what the Templates say. Prints the sums of the reader's own view
// of the flow records, and how many elements their lists hold, if any; what options records say
// does not count.
//
// usage: fixbuf_reader FILE
//        fixbuf_reader udp|tcp|tls HOST PORT RECORDS [CA CERTIFICATE KEY]
//                  listens, and ends when it has so many flow records
// exit:  0 all was read, 1 with a line on stderr
#include <fixbuf/public.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { fields_max = 64, record_octets_max = 4096 };

struct sums {
	uint64_t records, packets, octets, flow_ids;
	uint64_t options, wanted;
	uint64_t listed; /* elements of basic lists */
};

/* Adds what one field of a record holds; libfixbuf gives numbers in the host's order. */
static void add_field(struct sums *sums, const fbInfoElement_t *element, const uint8_t *at)
{
	const char *name = element->ref.canon->ref.name;
	uint64_t value = 0;

	if (element->len > sizeof value)
		return; /* an address, or a text: FB_IE_VARLEN is the largest length */
	memcpy(&value, at, element->len); /* little-endian host, as everywhere in this program */
	if (!strcmp(name, "packetDeltaCount") || !strcmp(name, "reversePacketDeltaCount"))
		sums->packets += value;
	else if (!strcmp(name, "octetDeltaCount") || !strcmp(name, "reverseOctetDeltaCount"))
		sums->octets += value;
	else if (!strcmp(name, "flowId"))
		sums->flow_ids += value;
}

/* Octets that libfixbuf takes for a field of a record. */
static uint32_t octets_of(const fbInfoElement_t *element)
{
	if (element->type == FB_BASIC_LIST)
		return sizeof(fbBasicList_t);
	return element->len == FB_IE_VARLEN ? sizeof(fbVarfield_t) : element->len;
}

/* Reads one record with its own template as the internal one, so every field comes as sent. */
static int read_record(fBuf_t *buffer, fbTemplate_t *template, struct sums *sums, GError **error)
{
	_Alignas(8) uint8_t record[record_octets_max] = {0};
	size_t octets = sizeof record;
	const uint16_t id =
		fbSessionAddTemplate(fBufGetSession(buffer), TRUE, FB_TID_AUTO, template, error);

	if (!id || !fBufSetInternalTemplate(buffer, id, error) ||
	    !fBufNext(buffer, record, &octets, error))
		return 0;
	if (fbTemplateGetOptionsScope(template)) {
		sums->options++;
		return fbSessionRemoveTemplate(fBufGetSession(buffer), TRUE, id, error);
	}
	uint32_t offset = 0;
	for (uint32_t i = 0; i < fbTemplateCountElements(template); i++) {
		const fbInfoElement_t *element = fbTemplateGetIndexedIE(template, i);

		if (element->type == FB_BASIC_LIST) {
			fbBasicList_t list;

			memcpy(&list, record + offset, sizeof list);
			sums->listed += fbBasicListCountElements(&list);
		} else {
			add_field(sums, element, record + offset);
		}
		offset += octets_of(element);
	}
	fBufListFree(template, record);
	sums->records++;
	return fbSessionRemoveTemplate(fBufGetSession(buffer), TRUE, id, error);
}

static int read_all(fBuf_t *buffer, struct sums *sums, GError **error)
{
	for (;;) {
		uint16_t id;
		fbTemplate_t *template = fBufNextCollectionTemplate(buffer, &id, error);

		if (template) {
			if (!read_record(buffer, template, sums, error))
				return 0;
			if (sums->wanted && sums->records == sums->wanted)
				return 1;
			continue;
		}
		if (!g_error_matches(*error, FB_ERROR_DOMAIN, FB_ERROR_EOM))
			return 0;
		g_clear_error(error); /* end of this message; the next one, if there is one */
		if (!fBufNextMessage(buffer, error)) {
			const int end = g_error_matches(*error, FB_ERROR_DOMAIN, FB_ERROR_EOF);

			g_clear_error(error);
			return end;
		}
	}
}

static fBuf_t *open_file(char *path, GError **error)
{
	fbSession_t *session = fbSessionAlloc(fbInfoModelAlloc());
	fbCollector_t *collector = fbCollectorAllocFile(NULL, path, error);

	return collector ? fBufAllocForCollection(session, collector) : NULL;
}

/* Waits for the first message, or connection, and returns the buffer of its session. */
static fBuf_t *listen_at(int count, char **arguments, GError **error)
{
	fbConnSpec_t where;

	memset(&where, 0, sizeof where);
	where.transport = !strcmp(arguments[1], "udp") ? FB_UDP :
			  !strcmp(arguments[1], "tls") ? FB_TLS_TCP : FB_TCP;
	where.host = arguments[2];
	where.svc = arguments[3];
	if (count > 7) {
		where.ssl_ca_file = arguments[5];
		where.ssl_cert_file = arguments[6];
		where.ssl_key_file = arguments[7];
	}
	fbListener_t *listener =
		fbListenerAlloc(&where, fbSessionAlloc(fbInfoModelAlloc()), NULL, NULL, error);
	fBuf_t *buffer = listener ? fbListenerWait(listener, error) : NULL;

	if (buffer && where.transport == FB_UDP)
		fbCollectorSetUDPMultiSession(fBufGetCollector(buffer), 1);
	return buffer;
}

int main(int count, char **arguments)
{
	GError *error = NULL;
	struct sums sums = {0};

	if (count < 2 || (count > 2 && count < 5))
		return 2;
	if (count > 2)
		sums.wanted = strtoull(arguments[4], NULL, 10);
	fBuf_t *buffer = count == 2 ? open_file(arguments[1], &error) :
				      listen_at(count, arguments, &error);

	if (!buffer) {
		fprintf(stderr, "%s\n", error ? error->message : "no session");
		return 1;
	}
	fBufSetAutomaticMode(buffer, FALSE);
	if (!read_all(buffer, &sums, &error)) {
		fprintf(stderr, "after %" PRIu64 " records: %s\n", sums.records,
			error ? error->message : "no end of file");
		return 1;
	}
	printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, sums.records, sums.packets,
	       sums.octets, sums.flow_ids);
	if (sums.listed)
		printf(" %" PRIu64, sums.listed);
	printf("\n");
	return 0;
}
