//! Nothing of its own: the end-to-end tests are in `tests/tests`.
