//! `kennel` under the names of MIT's programs beside these programs themselves, on realms of the same name: the same commands, the same
//! standard output, standard error and exit code. README.md has what differs, and why.

mod forms;
mod own;
mod remote;
mod scripts;
mod sides;
