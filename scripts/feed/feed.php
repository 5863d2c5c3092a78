<?php
// The price feed's readiness check.
http_response_code($_SERVER['REQUEST_URI'] === '/up' ? 200 : 404);
