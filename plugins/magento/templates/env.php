<?php
// Magento's deployment configuration, written by mops from the script and from what other services gave.
// Changing it by hand changes nothing: the next run writes it again.
return {{ tree|raw }};
