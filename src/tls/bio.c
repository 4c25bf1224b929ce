#include "tls/bio.h"

#include "tls/layer_parts.h"
#include "tls/loop_parts.h"

static int read_input(BIO *bio, char *bytes, size_t size, size_t *ret_len)
{
    struct tls_layer *layer = BIO_get_data(bio);
    struct str part = str_head(layer->input, size);

    BIO_clear_retry_flags(bio);
    if (part.len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(bytes, part.ptr, part.len);
    layer->input = str_skip(layer->input, part.len);
    *ret_len = part.len;
    return 1;
}

static int write_records(BIO *bio, const char *bytes, size_t len, size_t *ret_len)
{
    struct tls_layer *layer = BIO_get_data(bio);
    struct tls_loop *tls = layer->tls;

    BIO_clear_retry_flags(bio);
    if (len > TLS_LOOP_RECORDS_BYTES - tls->records_len)
        tls_bio_flush(layer);
    if (len > TLS_LOOP_RECORDS_BYTES) {
        net_layer_write_one(layer->lower, (struct str){bytes, len});
    } else {
        memcpy(tls->records + tls->records_len, bytes, len);
        tls->records_len += len;
    }
    *ret_len = len;
    return 1;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "sekisho layer");

    CHECK(method);
    CHECK(BIO_meth_set_read_ex(method, read_input));
    CHECK(BIO_meth_set_write_ex(method, write_records));
    CHECK(BIO_meth_set_ctrl(method, control));
    return method;
}

BIO *tls_bio_new(const BIO_METHOD *method, struct tls_layer *layer)
{
    BIO *bio = BIO_new(method);

    CHECK(bio);
    BIO_set_data(bio, layer);
    BIO_set_init(bio, 1);
    return bio;
}

void tls_bio_flush(struct tls_layer *layer)
{
    struct tls_loop *tls = layer->tls;
    struct str records = {tls->records, tls->records_len};

    if (records.len == 0)
        return;
    tls->records_len = 0;
    net_layer_write_one(layer->lower, records);
}
