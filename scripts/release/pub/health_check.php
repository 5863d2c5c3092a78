<?php
// Whether this node can answer. Asked by Varnish every few seconds: it says nothing and logs nothing.
// `touch var/.unhealthy` makes it say no.
declare(strict_types=1);

http_response_code(is_file(__DIR__ . '/../var/.unhealthy') ? 500 : 200);
