//! The program from the outside: what it says, where it says it, and how it ends. `docs/output.md` has the contract.

#![cfg(test)]

mod baseline;
mod bytes;
mod clocks;
mod config;
mod delivery;
mod edges;
mod evidence;
mod formats;
mod html;
mod input;
mod keylog;
mod policy;
mod program;
mod rules;
mod screens;
mod services;
mod shell;
mod storage;
mod streams;
mod trust;
mod verdict;
