// The functions of stdio under test as values, as a session's way wants them: libc's own or the
// hooks. To be captured by value.
#pragma once

#include <stdio.h>

#include "test/support/libc_parity.h"

extern "C" {
int __fprintf_chk(FILE* stream, int flag, const char* format, ...);
char* __fgets_chk(char* buffer, size_t room, int size, FILE* stream);
size_t __fread_chk(void* buffer, size_t room, size_t size, size_t count, FILE* stream);
}

namespace colibri::test {

struct Stdio {
  explicit Stdio(const Session& session)
      : fdopen(session.either("fdopen", ::fdopen)),
        fclose(session.either("fclose", ::fclose)),
        freopen(session.either("freopen", ::freopen)),
        fflush(session.either("fflush", ::fflush)),
        setvbuf(session.either("setvbuf", ::setvbuf)),
        setlinebuf(session.either("setlinebuf", ::setlinebuf)),
        fread(session.either("fread", ::fread)),
        fgets(session.either("fgets", ::fgets)),
        getc(session.either("getc", ::getc)),
        getc_unlocked(session.either("getc_unlocked", ::getc_unlocked)),
        ungetc(session.either("ungetc", ::ungetc)),
        getdelim(session.either("getdelim", ::getdelim)),
        getline(session.either("getline", ::getline)),
        getw(session.either("getw", ::getw)),
        fscanf(session.either("__isoc99_fscanf", ::fscanf)),
        fwrite(session.either("fwrite", ::fwrite)),
        fputs(session.either("fputs", ::fputs)),
        putc(session.either("putc", ::putc)),
        putc_unlocked(session.either("putc_unlocked", ::putc_unlocked)),
        putw(session.either("putw", ::putw)),
        fprintf(session.either("fprintf", ::fprintf)),
        dprintf(session.either("dprintf", ::dprintf)),
        fseek(session.either("fseek", ::fseek)),
        ftrylockfile(session.either("ftrylockfile", ::ftrylockfile)),
        funlockfile(session.either("funlockfile", ::funlockfile)),
        fprintf_chk(session.either("__fprintf_chk", ::__fprintf_chk)),
        fgets_chk(session.either("__fgets_chk", ::__fgets_chk)),
        fread_chk(session.either("__fread_chk", ::__fread_chk)) {}

  decltype(&::fdopen) fdopen;
  decltype(&::fclose) fclose;
  decltype(&::freopen) freopen;
  decltype(&::fflush) fflush;
  decltype(&::setvbuf) setvbuf;
  decltype(&::setlinebuf) setlinebuf;
  decltype(&::fread) fread;
  decltype(&::fgets) fgets;
  decltype(&::getc) getc;
  decltype(&::getc_unlocked) getc_unlocked;
  decltype(&::ungetc) ungetc;
  decltype(&::getdelim) getdelim;
  decltype(&::getline) getline;
  decltype(&::getw) getw;
  decltype(&::fscanf) fscanf;
  decltype(&::fwrite) fwrite;
  decltype(&::fputs) fputs;
  decltype(&::putc) putc;
  decltype(&::putc_unlocked) putc_unlocked;
  decltype(&::putw) putw;
  decltype(&::fprintf) fprintf;
  decltype(&::dprintf) dprintf;
  decltype(&::fseek) fseek;
  decltype(&::ftrylockfile) ftrylockfile;
  decltype(&::funlockfile) funlockfile;
  decltype(&::__fprintf_chk) fprintf_chk;
  decltype(&::__fgets_chk) fgets_chk;
  decltype(&::__fread_chk) fread_chk;
};

}  // namespace colibri::test
