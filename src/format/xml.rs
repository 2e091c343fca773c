//! What the readers of XML formats share.
