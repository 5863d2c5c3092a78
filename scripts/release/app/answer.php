<?php
// Answers with the headers that Magento sends (Magento\Framework\App\Response\Http).
declare(strict_types=1);

/** Headers of every answer. A cached answer keeps its nonce: two equal ones are one run of PHP. */
function send_common(): void
{
    header('X-Nonce: ' . nonce());
    header('X-Node: ' . node());
    header('X-Powered-By: PHP/' . PHP_VERSION);
    header('Vary: Accept-Encoding');
    if (configuration('MAGE_MODE') === 'developer') {
        header('X-Magento-Debug: 1');
    }
}

function nonce(): string
{
    static $nonce = null;
    return $nonce ??= bin2hex(random_bytes(8));
}

/** A shared cache may keep it for `$ttl` seconds (`?ttl=` says otherwise), until one of `$tags` is purged. */
function cacheable(array $tags, int $ttl = 86400): void
{
    $ttl = (int) ($_GET['ttl'] ?? $ttl);
    header('Pragma: cache');
    header("Cache-Control: max-age=$ttl, public, s-maxage=$ttl");
    header('Expires: ' . gmdate('D, d M Y H:i:s', time() + $ttl) . ' GMT');
    header('X-Magento-Tags: ' . implode(',', $tags));
}

/** Nobody may keep it. `?public=1` plays a module that says otherwise: the edge must not believe it. */
function uncacheable(): void
{
    if (isset($_GET['public'])) {
        cacheable(['wrong']);
        return;
    }
    header('Pragma: no-cache');
    header('Cache-Control: max-age=0, must-revalidate, no-cache, no-store');
    header('Expires: ' . gmdate('D, d M Y H:i:s', time() - 86400) . ' GMT');
}

/** A page for this visitor, cacheable for all of the same context. */
function page(string $title, array $tags, string $body = ''): void
{
    open_session('read');
    $context = visitor_context();
    send_vary(vary($context));
    cacheable($tags);
    html($title, $body, $context);
}

/** A page that is this visitor's alone. */
function own_page(string $title, string $body = ''): void
{
    open_session('read');
    uncacheable();
    html($title, $body, visitor_context());
}

function html(string $title, string $body, array $context): void
{
    header('Content-Type: text/html; charset=UTF-8');
    require ROOT . '/app/page.phtml';
}

function json(array $value): void
{
    header('Content-Type: application/json');
    echo json_encode($value, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES), "\n";
}

function redirect(string $path, int $status = 302): void
{
    header('Location: ' . url($path), true, $status);
}

function escaped(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}
