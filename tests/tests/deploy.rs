//! The files in `deploy/` say what is true of `trading`: no image is built here, but what they name is there and does what they
//! expect.

#[path = "deploy/files.rs"]
mod files;
#[path = "deploy/image.rs"]
mod image;
#[path = "deploy/service.rs"]
mod service;
