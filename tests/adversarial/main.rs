//! What is wrong on purpose: the server answers every request, and goes on serving good ones.

mod mutations;
