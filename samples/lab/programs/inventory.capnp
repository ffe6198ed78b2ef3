@0xb9f5a7c1d2e34f60;

interface Inventory @0xa3734b645865a22e {
  reserve @0 (item :Text) -> (reserved :Text);
}
