<?php
// Tells every cache of `http_cache_hosts` what to forget, in the form that Magento uses
// (Magento\CacheInvalidate\Model\PurgeCache).
declare(strict_types=1);

/** Magento sends no pattern longer than this: a header of 8 KiB is refused. */
const LONGEST_PATTERN = 7680;

/**
 * Purges pages that carry one of `$tags`; no tags mean every page.
 *
 * @return list<array{cache: string, answer: string, ok: bool}> what each cache answered
 */
function purge(array $tags): array
{
    $answers = [];
    foreach (configuration('http_cache_hosts', []) as $cache) {
        foreach (patterns($tags) as $pattern) {
            $answer = purge_one($cache['host'], (int) $cache['port'], $pattern);
            $ok = preg_match('~^HTTP/1\.1 200~', $answer) === 1;
            $answers[] = ['cache' => "{$cache['host']}:{$cache['port']}", 'answer' => $answer, 'ok' => $ok];
        }
    }
    return $answers;
}

/** @return list<string> */
function patterns(array $tags): array
{
    if ($tags === []) {
        return ['.*'];
    }
    $patterns = [];
    foreach ($tags as $tag) {
        $one = "((^|,)$tag(,|$))";
        $last = array_key_last($patterns);
        if ($last !== null && strlen($patterns[$last]) + 1 + strlen($one) <= LONGEST_PATTERN) {
            $patterns[$last] .= "|$one";
        } else {
            $patterns[] = $one;
        }
    }
    return $patterns;
}

function purge_one(string $host, int $port, string $pattern): string
{
    $socket = @stream_socket_client("tcp://$host:$port", $code, $message, 2.0);
    if ($socket === false) {
        return $message;
    }
    stream_set_timeout($socket, 2);
    fwrite($socket, "PURGE / HTTP/1.1\r\nHost: $host:$port\r\nX-Magento-Tags-Pattern: $pattern\r\nConnection: close\r\n\r\n");
    $status = fgets($socket);
    fclose($socket);
    return $status === false ? 'no answer' : trim($status);
}
