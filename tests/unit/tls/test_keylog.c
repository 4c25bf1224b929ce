/* Covers tls/keylog: lines are appended to a private file, others are refused, and a connection's secrets arrive. */
#include <fcntl.h>
#include <sys/stat.h>

#include "rig.h"

static char path[64];
static struct rig rig;

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/sekisho-keylog-%d", (int)getpid());
    unlink(path);
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static size_t read_log(char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t len;

    assert_non_null(file);
    len = fread(text, 1, size - 1, file);
    text[len] = '\0';
    fclose(file);
    return len;
}

static void keylog_appends_lines_to_a_private_file(void **state)
{
    struct tls_keylog *keylog = NULL;
    struct stat status;
    char text[64];

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_false(err_is(tls_keylog_open(path, &keylog)));
        tls_keylog_write(keylog, STR("CLIENT_RANDOM 1 2"));
        tls_keylog_close(&keylog);
    }
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    read_log(text, sizeof(text));
    assert_string_equal(text, "CLIENT_RANDOM 1 2\nCLIENT_RANDOM 1 2\n");
}

static void keylog_refuses_files_that_others_may_read(void **state)
{
    struct tls_keylog *keylog = NULL;
    int fd = open(path, O_CREAT | O_WRONLY, 0600);

    (void)state;
    assert_int_equal(fchmod(fd, 0644), 0);
    close(fd);
    assert_int_equal(tls_keylog_open(path, &keylog).code, ERR_DENIED);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/tmp/sekisho-keylog-elsewhere", path), 0);
    assert_int_equal(tls_keylog_open(path, &keylog).code, ERR_DENIED);
    assert_null(keylog);
}

static void connect_once(struct rig *rig_, int fd)
{
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    SSL *ssl = rig_client(rig_, fd, client);

    if (ssl)
        SSL_shutdown(ssl);
    SSL_free(ssl);
    SSL_CTX_free(client);
}

static void keylog_gets_the_secrets_of_a_connection(void **state)
{
    struct tls_loop_options options;
    struct tls_keylog *keylog = NULL;
    struct tls_loop *first;
    char text[4096];

    (void)state;
    rig_open(&rig, NULL);
    first = rig.tls;
    assert_false(err_is(tls_keylog_open(path, &keylog)));
    options = (struct tls_loop_options){.loop = rig.loop, .ca = rig.ca, .trust = rig.trust, .keylog = keylog};
    assert_false(err_is(tls_loop_new(&options, &rig.tls)));
    rig.reads_when_ready = rig.closes_at_eof = true;
    rig_serve(&rig, connect_once);
    tls_loop_free(&rig.tls);
    rig.tls = first;
    rig_end(&rig);
    tls_keylog_close(&keylog);
    read_log(text, sizeof(text));
    assert_non_null(strstr(text, "CLIENT_TRAFFIC_SECRET_0 "));
    assert_non_null(strstr(text, "SERVER_HANDSHAKE_TRAFFIC_SECRET "));
    assert_int_equal(text[strlen(text) - 1], '\n');
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, make_path, remove_path)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(keylog_appends_lines_to_a_private_file),
        PLACED(keylog_refuses_files_that_others_may_read),
        PLACED(keylog_gets_the_secrets_of_a_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
