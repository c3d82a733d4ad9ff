"""What tells builds of the installed libraries: files of pkg-config and of CMake."""

import os

from libraries import ASK_FOR_HOOKS, HOOKS, LIBRARIES

_PKG_CONFIG = """prefix={prefix}
libdir=${{prefix}}/{libdir}
includedir=${{prefix}}/include

Name: {name}
Description: {description}
Version: {version}
Requires: {requires}
Libs: -L${{libdir}} {libs}
Cflags: -I${{includedir}}
"""


def _split(flags):
    """(options, libraries) of what a library is linked with. Options are for who links it, too."""
    options = [flag for flag in flags if flag.startswith("-Wl,")]
    return options, [flag for flag in flags if flag not in options]


def pkg_config(layout, library, version, flags, static=False):
    """The text of NAME.pc, or of NAME_static.pc for the archive, which needs its `flags`, a list."""
    suffix = "_static" if static else ""
    options, libraries = _split(flags)
    libs = " ".join([f"-l:lib{library.name}.a", *libraries]) if static else f"-l{library.name}"
    if library.name == HOOKS:
        libs = (f"-Wl,{ASK_FOR_HOOKS} {libs}" if static else
                f"-Wl,--push-state,--no-as-needed {libs} -Wl,--pop-state")
    return _PKG_CONFIG.format(
        prefix=layout.prefix, libdir=layout.relative_libdir(),
        name=library.name + suffix, description=library.description, version=version,
        requires=" ".join(name + suffix for name in library.upon), libs=" ".join([*options, libs]))


_CMAKE = """# find_package(colibri): colibri::core, colibri::hook, colibri::net, colibri::tls, colibri::http,
# colibri::https, colibri::testing. Shared libraries, unless COLIBRI_USE_STATIC_LIBS is on.
include(CMakeFindDependencyMacro)
find_dependency(Threads)

get_filename_component(_colibri_prefix "${{CMAKE_CURRENT_LIST_DIR}}/{to_prefix}" ABSOLUTE)

# _colibri_library(TARGET FILE FLAGS UPON...): FLAGS, of other libraries, are the archive's alone.
function(_colibri_library target file flags)
  if(TARGET colibri::${{target}})
    return()
  endif()
  if(COLIBRI_USE_STATIC_LIBS)
    add_library(colibri::${{target}} STATIC IMPORTED)
    set(location "lib${{file}}.a")
  else()
    add_library(colibri::${{target}} SHARED IMPORTED)
    set(location "lib${{file}}.so.{version}")
    set(flags "")
    set_target_properties(colibri::${{target}} PROPERTIES IMPORTED_SONAME "lib${{file}}.so.{abi}")
  endif()
  list(TRANSFORM ARGN PREPEND "colibri::")
  set_target_properties(colibri::${{target}} PROPERTIES
    IMPORTED_LOCATION "${{_colibri_prefix}}/{libdir}/${{location}}"
    INTERFACE_INCLUDE_DIRECTORIES "${{_colibri_prefix}}/include"
    INTERFACE_COMPILE_FEATURES cxx_std_20
    INTERFACE_LINK_LIBRARIES "${{ARGN}};${{flags}};Threads::Threads")
endfunction()

{libraries}
{options}
# The hooks, also where only other libraries call them.
if(COLIBRI_USE_STATIC_LIBS)
  set_property(TARGET colibri::hook PROPERTY INTERFACE_LINK_OPTIONS "LINKER:{ask}")
else()
  set_property(TARGET colibri::hook PROPERTY INTERFACE_LINK_OPTIONS "LINKER:--no-as-needed")
endif()
"""


def cmake_config(layout, version, abi, flags):
    """The text of colibriConfig.cmake; `flags`, lists, by the library's name."""
    targets = {library.name: library.target for library in LIBRARIES}
    calls, all_options = [], []
    for library in LIBRARIES:
        options, libraries = _split(flags[library.name])
        upon = " ".join(targets[name] for name in library.upon)
        calls.append(f'_colibri_library({library.target} {library.name} '
                     f'"{";".join(libraries)}" {upon})')
        if options:
            all_options.append(f"set_property(TARGET colibri::{library.target} PROPERTY "
                               f'INTERFACE_LINK_OPTIONS "{";".join(options)}")')
    return _CMAKE.format(
        to_prefix=os.path.relpath(layout.prefix, cmake_folder(layout)),
        libdir=layout.relative_libdir(),
        version=version, abi=abi, libraries="\n".join(calls),
        options="\n".join(all_options), ask=ASK_FOR_HOOKS)


def cmake_version(version):
    """The text of colibriConfigVersion.cmake: before 1.0, each second number is an API of its own."""
    major, minor, _ = version.split(".")
    same = f"{major}.{minor}" if major == "0" else major
    return f"""set(PACKAGE_VERSION "{version}")
if(PACKAGE_FIND_VERSION AND
   (PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION OR
    NOT "${{PACKAGE_FIND_VERSION}}." MATCHES "^{same.replace(".", "[.]")}[.]"))
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
"""


def cmake_folder(layout):
    return layout.libdir / "cmake/colibri"
