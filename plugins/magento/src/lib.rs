//! The application: env.php, cron, consumers.
