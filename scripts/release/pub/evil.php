<?php echo "nobody may run this over HTTP";
