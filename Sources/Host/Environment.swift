import Glibc

/// The variables that this process was started with (environ(7)).
package enum Environment {
  /// A variable's value; nil when it is not set.
  package static subscript(name: String) -> String? {
    // SAFETY: nothing changes the environment but `set`, and the text is copied at once.
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }

  /// Sets a variable for this process and those that it starts; nil takes it away. To be called only while no other
  /// thread reads the environment.
  package static func set(_ name: String, to value: String?) {
    // SAFETY: both texts outlive the call, which copies them; the caller has no other thread that looks.
    if let value { unsafe setenv(name, value, 1) } else { unsafe unsetenv(name) }
  }
}
