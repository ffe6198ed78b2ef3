//! From segments to two ordered byte streams per connection.
