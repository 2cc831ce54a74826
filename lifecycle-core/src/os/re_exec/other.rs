//! The configuration refuses to ask for it here.

pub(crate) const VARIABLE: &str = "LIFECYCLE_SOCKETS";

pub(crate) struct Image;

impl Image {
    pub(crate) fn capture() -> Image {
        Image
    }

    pub(crate) fn replace(&self) -> std::io::Error {
        std::io::ErrorKind::Unsupported.into()
    }
}
