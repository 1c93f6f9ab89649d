import Glibc

/// The variables that this process was started with (environ(7)).
package enum Environment {
  /// A variable's value; nil when it is not set.
  package static subscript(name: String) -> String? {
    // SAFETY: nothing here changes the environment, and the text is copied at once.
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }
}
