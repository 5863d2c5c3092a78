<?php
// Stands for nginx before PHP's own web server: says which website is asked for.
$_SERVER['MAGE_RUN_CODE'] = 'de';
$_SERVER['MAGE_RUN_TYPE'] = 'website';
require $_SERVER['DOCUMENT_ROOT'] . '/index.php';
