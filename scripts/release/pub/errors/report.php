<?php
// What Magento shows after an error that it has written a report of.
declare(strict_types=1);

http_response_code(500);
header('Cache-Control: max-age=0, must-revalidate, no-cache, no-store');
header('Content-Type: text/html; charset=UTF-8');
echo '<!doctype html><title>Error</title><h1>There has been an error</h1>', "\n";
