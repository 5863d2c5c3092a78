<?php
// What every entry point of the shop needs: its configuration, the website that is asked for, and the visitor.
//
// This is a stand-in for Magento, small enough to read: it answers with the headers, cookies and cache tags that
// Magento answers with, so that the edge, the cache and the sessions in front of it can be seen at work.
declare(strict_types=1);

const ROOT = __DIR__ . '/..';

/** The value at a path of app/etc/env.php, such as `backend/frontName`. */
function configuration(string $path, mixed $default = null): mixed
{
    static $env = null;
    if ($env === null) {
        $file = ROOT . '/app/etc/env.php';
        $env = is_file($file) ? require $file : [];
    }
    $value = $env;
    foreach (explode('/', $path) as $key) {
        if (!is_array($value) || !array_key_exists($key, $value)) {
            return $default;
        }
        $value = $value[$key];
    }
    return $value;
}

/** A value of Magento's configuration (`system`) for the website at hand. */
function setting(string $path, string $default = ''): string
{
    $scope = run_type() === 'store' ? 'stores' : 'websites';
    $value = configuration("system/$scope/" . run_code() . "/$path") ?? configuration("system/default/$path");
    return (string) ($value ?? $default);
}

/** The code of the website or store view: nginx says it, never the client. */
function run_code(): string
{
    return (string) ($_SERVER['MAGE_RUN_CODE'] ?? 'base');
}

/** `website` or `store`. */
function run_type(): string
{
    return (string) ($_SERVER['MAGE_RUN_TYPE'] ?? 'website');
}

/** A path of this website as a browser asks for it: with the prefix that tells it from others of the same host. */
function url(string $path): string
{
    $prefix = parse_url(setting('web/secure/base_url', '/'), PHP_URL_PATH) ?: '/';
    return rtrim($prefix, '/') . $path;
}

/** The node that answers, by its address. */
function node(): string
{
    return (string) ($_SERVER['SERVER_ADDR'] ?? 'unknown');
}

/**
 * Opens the visitor's session. Magento starts one on every page; a page only reads it, and lets others have it at once.
 *
 * @param 'read'|'write' $for
 */
function open_session(string $for): void
{
    // PHP's own Cache-Control would make every page uncacheable.
    session_cache_limiter('');
    session_set_cookie_params(['path' => '/', 'httponly' => true, 'samesite' => 'Lax', 'secure' => is_https()]);
    session_start($for === 'read' ? ['read_and_close' => true] : []);
}

function is_https(): bool
{
    return ($_SERVER['HTTPS'] ?? '') === 'on';
}

/**
 * What pages may depend on besides their URL: Magento's HTTP context. A visitor with nothing special has none.
 *
 * @return array<string, string>
 */
function visitor_context(): array
{
    // So that `curl -b PHPSESSID=wholesale` is somebody in one line.
    $known = ['eur' => ['currency' => 'EUR'], 'customer1' => ['group' => '1'], 'wholesale' => ['group' => '2']];
    $context = ($_SESSION['context'] ?? []) + ($known[session_id()] ?? []);
    ksort($context);
    return $context;
}

/** The hash of a context, as Magento puts it into the cookie X-Magento-Vary; none for the context of most visitors. */
function vary(array $context): ?string
{
    return $context === [] ? null : sha1(configuration('crypt/key', 'salt') . '|' . json_encode($context));
}

/** Sets, changes or removes the cookie that splits the cache, when it is not what it should be. */
function send_vary(?string $vary): void
{
    $sent = $_COOKIE['X-Magento-Vary'] ?? null;
    if ($sent === $vary) {
        return;
    }
    $cookie = ['path' => '/', 'httponly' => true, 'samesite' => 'Lax', 'secure' => is_https()];
    setcookie('X-Magento-Vary', $vary ?? '', $cookie + ['expires' => $vary === null ? 1 : 0]);
}
