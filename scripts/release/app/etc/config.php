<?php
// Magento keeps its list of modules here. The deployment's own part, env.php, is laid beside it by mops.
return ['modules' => ['Acme_Shop' => 1]];
