<?php // The least that an application is.
echo 'OK';
