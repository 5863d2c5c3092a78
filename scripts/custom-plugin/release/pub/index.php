<?php
// The shop that shows what the plugin does: one page that may be cached.
header('Content-Type: text/html; charset=UTF-8');
header('Cache-Control: public, max-age=86400, s-maxage=86400');
header('X-Magento-Tags: store');
echo "<h1>acme</h1>\n";
