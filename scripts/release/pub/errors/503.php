<?php
// Maintenance. Nobody may keep this page, or it would outlive the maintenance.
declare(strict_types=1);

http_response_code(503);
header('Retry-After: 60');
header('Cache-Control: max-age=0, must-revalidate, no-cache, no-store');
header('Content-Type: text/html; charset=UTF-8');
echo '<!doctype html><title>Back soon</title><h1>The shop is being worked on</h1><p>It is back in a minute.</p>', "\n";
