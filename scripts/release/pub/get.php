<?php
// Asked for a picture that is not there, makes it and keeps it, so that nginx serves it from then on.
declare(strict_types=1);

require __DIR__ . '/../app/shop.php';
require __DIR__ . '/../app/answer.php';

send_common();
$path = (string) parse_url($_SERVER['REQUEST_URI'] ?? '', PHP_URL_PATH);
if (preg_match('~^/media/(catalog/product/(?:[a-z0-9_-]+/)*[a-z0-9_-]+\.png)$~', $path, $found) !== 1) {
    http_response_code(404);
    header('Cache-Control: public, max-age=60');
    json(['error' => 'There is no such file.', 'resource' => $path]);
    return;
}
$picture = picture($found[1]);
$file = __DIR__ . '/media/' . $found[1];
// Written aside and renamed: nobody is served half a picture.
if ((is_dir(dirname($file)) || @mkdir(dirname($file), 0775, true)) && file_put_contents("$file.new", $picture) !== false) {
    rename("$file.new", $file);
}
header('Content-Type: image/png');
header('Cache-Control: public, max-age=31536000');
echo $picture;

/** A PNG of one colour, which its name decides (PNG specification, https://www.w3.org/TR/png-3/). */
function picture(string $name): string
{
    $side = 64;
    $colour = substr(md5($name, true), 0, 3);
    $row = "\0" . str_repeat($colour, $side);
    return "\x89PNG\r\n\x1a\n"
        . chunk('IHDR', pack('NNCCCCC', $side, $side, 8, 2, 0, 0, 0))
        . chunk('IDAT', (string) gzcompress(str_repeat($row, $side)))
        . chunk('IEND', '');
}

function chunk(string $type, string $data): string
{
    return pack('N', strlen($data)) . $type . $data . pack('N', crc32($type . $data));
}
