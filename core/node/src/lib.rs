//! What runs on a node: verify, switch, reload, roll back.
