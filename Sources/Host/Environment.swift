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

  /// A folder of a user's own by the XDG Base Directory Specification.
  ///
  /// - Parameters:
  ///   - name: the variable that names it, like XDG_CACHE_HOME; a path that is not absolute does not count.
  ///   - usual: where it is without, below HOME.
  /// - Returns: nil when neither variable says where it is.
  package static func folder(_ name: String, usually usual: String) -> String? {
    if let path = Self[name], path.hasPrefix("/") { return path }
    if let home = Self["HOME"], home.hasPrefix("/") { return "\(home)/\(usual)" }
    return nil
  }
}
