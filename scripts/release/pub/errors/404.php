<?php
// What nginx shows for a file that is not there or that nobody may have.
declare(strict_types=1);

http_response_code(404);
header('Cache-Control: public, max-age=60');
header('Content-Type: text/html; charset=UTF-8');
echo '<!doctype html><title>404</title><h1>There is nothing here</h1>', "\n";
