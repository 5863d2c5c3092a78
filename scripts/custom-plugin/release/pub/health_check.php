<?php
// A node is ready when PHP answers.
echo "ok\n";
