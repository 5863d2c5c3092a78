//! CloudFront, media and images.
