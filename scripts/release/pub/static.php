<?php
// Asked for a static file that is not there. Magento would make it in developer mode; here it is missing, for a short
// time only: during a deploy it may be about to come.
declare(strict_types=1);

require __DIR__ . '/../app/shop.php';
require __DIR__ . '/../app/answer.php';

send_common();
http_response_code(404);
header('Cache-Control: public, max-age=60');
json(['error' => 'There is no such file.', 'resource' => $_GET['resource'] ?? null]);
