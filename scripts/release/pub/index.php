<?php
// The storefront: one line for each kind of request, in the order in which they are looked at.
declare(strict_types=1);

require __DIR__ . '/../app/shop.php';
require __DIR__ . '/../app/answer.php';

$path = parse_url($_SERVER['REQUEST_URI'] ?? '/', PHP_URL_PATH) ?: '/';
$path = preg_replace('~^/index\.php(?=/|$)~', '', $path) ?: '/';
$method = $_SERVER['REQUEST_METHOD'] ?? 'GET';
$admin = preg_quote((string) configuration('backend/frontName', 'admin'), '~');

send_common();

// `bin/magento maintenance:enable` makes this file, as Magento's does.
if (is_file(ROOT . '/var/.maintenance.flag')) {
    require __DIR__ . '/errors/503.php';
    return;
}

match (true) {
    $path === '/' => page('Welcome to acme', ['cms_p_2', 'cms_b_footer', 'store'], part('front')),
    $path === '/cat' => page('Category', ['cat_c_3', 'cat_c_p_3', 'cat_p_1', 'cat_p_10']),
    $path === '/p1' => page('Product 1', ['cat_p_1', 'cat_p', 'store']),
    $path === '/p10' => page('Product 10', ['cat_p_10', 'cat_p', 'store']),
    $path === '/cms' => page('About us', ['cms_p_5']),
    $path === '/bigtags' => page('Many products', array_map(fn (int $i): string => "cat_p_$i", range(110000, 112399))),
    $path === '/slow' => slow(),
    $path === '/catalogsearch/result/' => page('Results for ' . ($_GET['q'] ?? ''), ['cat_p']),
    $path === '/esi-page' => esi_page(),
    str_starts_with($path, '/page_cache/block/esi/') => esi_block($path),

    $path === '/session' => count_up(),
    $path === '/env' || preg_match('~^/(import|quickorder)/~', $path) === 1 => show_environment(),

    $path === '/customer/section/load/' => sections(),
    $path === '/customer/account/loginPost' && $method === 'POST' => log_in(),
    $path === '/customer/account/logout' => log_out(),
    $path === '/checkout/cart/add' && $method === 'POST' => add_to_cart(),
    $path === '/stores/store/switch/' => change_context('store', (string) ($_GET['___store'] ?? 'default')),
    $path === '/directory/currency/switch' => change_context('currency', (string) ($_GET['currency'] ?? 'EUR')),
    preg_match("~^/(customer|checkout|wishlist|sales|$admin)(/|$)~", $path) === 1 => own_page("Yours alone: $path"),

    $path === '/private-page' => private_page(),
    $path === '/varystar' => vary_star(),
    $path === '/r301' => misleading(301),
    $path === '/r302' => misleading(302),
    $path === '/e403' => misleading(403),
    $path === '/e500' => misleading(500),
    $path === '/e503' => misleading(503),

    $path === '/graphql' => graphql($method),
    preg_match('~^/(rest|oauth|soap)(/|$)~', $path) === 1 => api($method, $path),
    $path === '/robots.txt' => robots(),
    $path === '/sitemap.xml' => sitemap(),
    default => not_found(),
};

/** The HTML of a template in `app`. */
function part(string $name): string
{
    ob_start();
    require ROOT . "/app/$name.phtml";
    return (string) ob_get_clean();
}

function slow(): void
{
    usleep(1000 * min((int) ($_GET['ms'] ?? 1000), 60000));
    page('Slow to make', ['slow']);
}

function esi_page(): void
{
    // Magento always writes http:// here; the cache asks the shop itself, whatever the scheme.
    $block = 'http://' . $_SERVER['HTTP_HOST'] . url('/page_cache/block/esi/blocks/%5B%22menu%22%5D/handles/W10%3D/');
    page('A page with a block of its own', ['cms_p_7'], "<esi:include src=\"$block\" />");
}

function esi_block(string $path): void
{
    str_contains($path, 'private') ? uncacheable() : cacheable(['cat_c_3'], 3600);
    header('Content-Type: text/html; charset=UTF-8');
    echo '<p>This block has a nonce of its own: ', nonce(), "</p>\n";
}

function count_up(): void
{
    open_session('write');
    $_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1;
    uncacheable();
    json(['session' => session_id(), 'count' => $_SESSION['count'], 'handler' => ini_get('session.save_handler'), 'node' => node()]);
}

/** What PHP is told; `?big=N` sends N tags, `?ck=N` a cookie of N bytes, `?sleep=MS` takes its time. */
function show_environment(): void
{
    usleep(1000 * min((int) ($_GET['sleep'] ?? 0), 60000));
    if (isset($_GET['big'])) {
        cacheable(array_map(fn (int $i): string => "cat_p_$i", range(1, max(1, (int) $_GET['big']))));
    } else {
        uncacheable();
    }
    if (isset($_GET['ck'])) {
        setcookie('big', str_repeat('c', min((int) $_GET['ck'], 16384)));
    }
    $keys = [
        'SCRIPT_FILENAME', 'REQUEST_METHOD', 'REQUEST_URI', 'QUERY_STRING', 'MAGE_RUN_CODE', 'MAGE_RUN_TYPE', 'HTTPS',
        'REMOTE_ADDR', 'SERVER_ADDR', 'HTTP_HOST', 'HTTP_X_FORWARDED_PROTO', 'HTTP_X_FORWARDED_FOR', 'HTTP_X_COUNTRY',
        'HTTP_PROXY', 'HTTP_X_ORIGINAL_URL', 'HTTP_X_REWRITE_URL', 'HTTP_X_FORWARDED_HOST',
    ];
    $told = [];
    foreach ($keys as $key) {
        $told[$key] = $_SERVER[$key] ?? null;
    }
    foreach (['memory_limit', 'max_execution_time', 'session.save_handler', 'session.auto_start', 'opcache.enable'] as $key) {
        $told[$key] = ini_get($key);
    }
    json($told);
}

function sections(): void
{
    uncacheable();
    $asked = array_filter(explode(',', (string) ($_GET['sections'] ?? 'cart,customer')));
    if (array_diff($asked, ['cart', 'customer', 'messages']) !== []) {
        http_response_code(400);
        json(['message' => 'There is no such section.']);
        return;
    }
    open_session('read');
    $context = visitor_context();
    $known = [
        'cart' => ['summary_count' => $_SESSION['cart'] ?? 0],
        'customer' => ['fullname' => $_SESSION['customer'] ?? null, 'group' => $context['group'] ?? '0'],
        'messages' => ['messages' => []],
    ];
    json(array_intersect_key($known, array_flip($asked)));
}

function log_in(): void
{
    open_session('write');
    $name = (string) ($_POST['login']['username'] ?? 'customer1');
    $_SESSION['customer'] = $name;
    $_SESSION['context']['group'] = $name === 'wholesale' ? '2' : '1';
    send_vary(vary(visitor_context()));
    uncacheable();
    redirect('/customer/account/');
}

function log_out(): void
{
    open_session('write');
    $_SESSION = [];
    send_vary(vary(visitor_context()));
    uncacheable();
    redirect('/');
}

function add_to_cart(): void
{
    open_session('write');
    $_SESSION['cart'] = ($_SESSION['cart'] ?? 0) + 1;
    uncacheable();
    redirect('/checkout/cart/');
}

function change_context(string $key, string $value): void
{
    open_session('write');
    $_SESSION['context'][$key] = $value;
    if ($key === 'store') {
        setcookie('store', $value, ['path' => '/']);
    }
    send_vary(vary(visitor_context()));
    uncacheable();
    redirect('/');
}

function private_page(): void
{
    open_session('read');
    header('Cache-Control: private, max-age=600');
    setcookie('private_content_version', nonce(), ['path' => '/']);
    html('For your browser alone', '', visitor_context());
}

function vary_star(): void
{
    cacheable(['cms_p_8']);
    header('Vary: *');
    plain("Never the same twice: no cache may keep it, whatever Cache-Control says.\n");
}

/** An answer that nobody should keep long, with the headers of a page: the edge has to decide. */
function misleading(int $status): void
{
    cacheable(['cms_p_9']);
    if ($status < 400) {
        redirect('/cms', $status);
        return;
    }
    http_response_code($status);
    plain("Status $status, on purpose.\n");
}

function not_found(): void
{
    http_response_code(404);
    page('There is no such page', ['cms_p_404']);
}

function graphql(string $method): void
{
    $query = (string) ($_GET['query'] ?? file_get_contents('php://input'));
    $parts = [$_SERVER['HTTP_AUTHORIZATION'] ?? '', $_SERVER['HTTP_STORE'] ?? '', $_SERVER['HTTP_CONTENT_CURRENCY'] ?? ''];
    header('X-Magento-Cache-Id: ' . sha1(configuration('cache/graphql/id_salt', 'salt') . '|' . implode('|', $parts)));
    if ($method === 'GET' && !str_contains($query, 'mutation')) {
        cacheable(['cat_p', 'gql_query']);
    } else {
        uncacheable();
    }
    json(['data' => ['storeConfig' => ['code' => run_code()], 'query' => $query, 'nonce' => nonce()]]);
}

function api(string $method, string $path): void
{
    uncacheable();
    json(['method' => $method, 'path' => $path, 'body' => (string) file_get_contents('php://input'), 'nonce' => nonce()]);
}

function plain(string $text): void
{
    header('Content-Type: text/plain; charset=UTF-8');
    echo $text;
}

function robots(): void
{
    cacheable(['store'], 3600);
    plain("User-agent: *\nSitemap: https://{$_SERVER['HTTP_HOST']}" . url('/sitemap.xml') . "\n");
}

function sitemap(): void
{
    cacheable(['store'], 3600);
    header('Content-Type: application/xml');
    echo '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">', "\n";
    foreach (['/', '/cat', '/p1', '/p10', '/cms'] as $path) {
        echo '  <url><loc>', escaped("https://{$_SERVER['HTTP_HOST']}" . url($path)), "</loc></url>\n";
    }
    echo "</urlset>\n";
}
