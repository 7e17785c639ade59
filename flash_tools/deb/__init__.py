"""The Debian package of a Linux board: what is in it, and how it is built without anything but dpkg-deb."""
